"""The author's own Paddle Inference script: python3 infer.py --model-dir FOLDER --text-file texts.txt

prints one JSON object for each line. `paddle-serving-runtime record` gives it a request of the service instead:
python3 infer.py --model-dir FOLDER golden/1.json.
"""

import argparse
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


def predict(predictor, ids):
    handle = predictor.get_input_handle("input_ids")
    handle.reshape(ids.shape)
    handle.copy_from_cpu(ids)
    predictor.run()
    return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-dir", type=Path, required=True, help="folder of inference.pdmodel")
    parser.add_argument("--text-file", type=Path, help="a text on each line")
    parser.add_argument("request", type=Path, nargs="?", help="a request of the service")
    args = parser.parse_args()
    predictor = create_predictor(args.model_dir)
    content = (args.text_file or args.request).read_text(encoding="utf-8")
    for texts in [[line] for line in content.splitlines()] if args.text_file else [json.loads(content)["value"]]:
        classes, probabilities = best_classes(predict(predictor, np.stack([preprocess(text) for text in texts])))
        print(json.dumps({"class_id": classes, "prob": probabilities}))


if __name__ == "__main__":
    main()
