"""The author's own Paddle Inference script: python3 infer.py --model-dir .../det_server --image_dir PICTURE_OR_FOLDER

prints one JSON object for each page; the recognizer is beside the detector, in rec_server. `paddle-serving-runtime
record` gives it a request of the service instead: python3 infer.py --model-dir FOLDER golden/receipt.json.
"""

import argparse
import base64
import json
from pathlib import Path

from ctc import load_characters
from paddle import inference
from pictures import decode_image
from preprocess_ops import boxes_of, detector_input, groups, page, recognizer_input

HERE = Path(__file__).resolve().parent


def create_predictor(folder):
    config = inference.Config(str(folder / "inference.pdmodel"), str(folder / "inference.pdiparams"))
    config.disable_gpu()
    config.disable_glog_info()
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
    parser.add_argument("--model-dir", type=Path, required=True, help="folder of the detector's inference.pdmodel")
    parser.add_argument("--image_dir", type=Path, help="a page, or a folder of pages")
    parser.add_argument("request", type=Path, nargs="?", help="a request of the service")
    args = parser.parse_args()
    detector, recognizer = (create_predictor(args.model_dir.parent / name) for name in ("det_server", "rec_server"))
    characters = load_characters(HERE / "ppocr_keys_v1.txt")
    for picture in pictures_of(args.image_dir or args.request):
        image = decode_image(picture)
        boxes = boxes_of(predict(detector, detector_input(image)), image)
        outputs = [predict(recognizer, recognizer_input(image, boxes[group])) for group in groups(boxes)]
        print(json.dumps(page(boxes, outputs, characters), ensure_ascii=False))


if __name__ == "__main__":
    main()
