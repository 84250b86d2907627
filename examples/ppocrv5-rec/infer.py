"""The author's own Paddle Inference script: python3 infer.py --model-dir FOLDER --image_dir PICTURE_OR_FOLDER

prints one JSON object for each picture. `paddle-serving-runtime record` gives it a request of the service instead:
python3 infer.py --model-dir FOLDER golden/hello.json.
"""

import argparse
import base64
import json
from pathlib import Path

from ctc import greedy_decode, load_characters
from paddle import inference
from preprocess_ops import decode_image, resize_and_normalize


def create_predictor(folder):
    config = inference.Config(str(folder / "inference.json"), str(folder / "inference.pdiparams"))
    config.disable_gpu()
    config.disable_glog_info()
    # oneDNN in Paddle 3.3.1 cannot run this form of the model, or computes it wrongly (docs/compatibility.md)
    config.disable_mkldnn()
    config.set_cpu_math_library_num_threads(1)
    return inference.create_predictor(config)


def pictures_of(path):
    """The base64 pictures of a request of the service, of one picture, or of a folder of them, by name."""
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))["value"]
    pictures = sorted(path.iterdir()) if path.is_dir() else [path]
    return [base64.b64encode(picture.read_bytes()).decode() for picture in pictures]


def predict(predictor, array):
    handle = predictor.get_input_handle("x")
    handle.reshape(array.shape)
    handle.copy_from_cpu(array)
    predictor.run()
    return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-dir", type=Path, required=True, help="folder of inference.json")
    parser.add_argument("--image_dir", type=Path, help="a picture, or a folder of pictures")
    parser.add_argument("request", type=Path, nargs="?", help="a request of the service")
    args = parser.parse_args()
    predictor = create_predictor(args.model_dir)
    characters = load_characters(Path(__file__).resolve().parent / "inference.yml")
    for picture in pictures_of(args.image_dir or args.request):
        probabilities = predict(predictor, resize_and_normalize(decode_image(picture)))
        text, score = greedy_decode(probabilities[0], characters)
        print(json.dumps({"text": [text], "score": [score]}, ensure_ascii=False))


if __name__ == "__main__":
    main()
