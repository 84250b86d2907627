"""The author's own Paddle Inference script: python3 infer.py --image_dir images prints a JSON object for each picture.

`paddle-serving-runtime record . -- python infer.py` gives it a request instead, golden/hello.json for example, and
stores what it prints under golden/expected.
"""

import argparse
import base64
import json
from pathlib import Path

from ctc import greedy_decode, load_characters
from paddle import inference
from preprocess_ops import decode_image, resize_and_normalize

HERE = Path(__file__).resolve().parent


def create_predictor(folder):
    config = inference.Config(str(folder / "inference.pdmodel"), str(folder / "inference.pdiparams"))
    config.disable_gpu()
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(1)
    return inference.create_predictor(config)


def predict(predictor, array):
    handle = predictor.get_input_handle(predictor.get_input_names()[0])
    handle.reshape(array.shape)
    handle.copy_from_cpu(array)
    predictor.run()
    return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()


def pictures_of(path):
    """The base64 pictures of a request of the service, of one picture, or of a folder of them, by name."""
    if path.suffix == ".json":
        request = json.loads(path.read_text(encoding="utf-8"))
        return [dict(zip(request["key"], request["value"], strict=True))["image"]]
    return [base64.b64encode(p.read_bytes()).decode() for p in (sorted(path.iterdir()) if path.is_dir() else [path])]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-dir", type=Path, default=HERE / "ocr_rec_server", help="folder of inference.pdmodel")
    parser.add_argument("--image_dir", type=Path, help="a picture, or a folder of pictures")
    parser.add_argument("request", type=Path, nargs="?", help="a request of the service")
    args = parser.parse_args()
    predictor, characters = create_predictor(args.model_dir), load_characters(HERE / "ppocr_keys_v1.txt")
    for picture in pictures_of(args.image_dir or args.request):
        probabilities = predict(predictor, resize_and_normalize(decode_image(picture)))
        text, score = greedy_decode(probabilities[0], characters)
        print(json.dumps({"text": [text], "score": [score]}, ensure_ascii=False))


if __name__ == "__main__":
    main()
