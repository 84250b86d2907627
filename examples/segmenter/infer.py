"""The author's own Paddle Inference script: python3 infer.py --model-dir FOLDER --img-path PICTURE_OR_FOLDER

prints one JSON object for each picture. `paddle-serving-runtime record` gives it a request of the service instead:
python3 infer.py --model-dir FOLDER golden/a.json.
"""

import argparse
import base64
import json
from pathlib import Path

from paddle import inference
from preprocess_ops import areas, preprocess


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
    handle = predictor.get_input_handle("image")
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
    for image in pictures_of(args.img_path or args.request):
        print(json.dumps(areas(predict(predictor, preprocess(image)))))


if __name__ == "__main__":
    main()
