"""The author's own Paddle Inference script: python3 infer.py --model-dir FOLDER --img-path PICTURE_OR_FOLDER

prints one JSON object for each picture. `paddle-serving-runtime record` gives it a request of the service instead:
python3 infer.py --model-dir FOLDER golden/demo.json.
"""

import argparse
import base64
import json
from pathlib import Path

import numpy as np
from paddle import inference
from preprocess_ops import best_classes, preprocess


def create_predictor(folder):
    config = inference.Config(str(folder / "inference.pdmodel"), str(folder / "inference.pdiparams"))
    config.disable_gpu()
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(1)
    return inference.create_predictor(config)


def requests_of(path):
    """Lists of base64 pictures: those of a request of the service, or one for each picture of a folder, by name."""
    if path.suffix == ".json":
        return [json.loads(path.read_text(encoding="utf-8"))["value"]]
    pictures = sorted(path.iterdir()) if path.is_dir() else [path]
    return [[base64.b64encode(picture.read_bytes()).decode()] for picture in pictures]


def predict(predictor, array):
    handle = predictor.get_input_handle("inputs")
    handle.reshape(array.shape)
    handle.copy_from_cpu(array)
    predictor.run()
    return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-dir", type=Path, required=True, help="folder of inference.pdmodel")
    parser.add_argument("--img-path", type=Path, help="a picture, or a folder of pictures")
    parser.add_argument("request", type=Path, nargs="?", help="a request of the service")
    args = parser.parse_args()
    predictor = create_predictor(args.model_dir)
    for images in requests_of(args.img_path or args.request):
        array = np.ascontiguousarray(np.stack([preprocess(image) for image in images]))
        classes, probabilities = best_classes(predict(predictor, array))
        print(json.dumps({"class_id": classes, "prob": probabilities}))


if __name__ == "__main__":
    main()
