"""The author's own Paddle Inference script: python3 infer.py --model-dir FOLDER --customers customers.jsonl

prints one JSON object for each customer. `paddle-serving-runtime record` gives it a request of the service instead:
python3 infer.py --model-dir FOLDER golden/1.json.
"""

import argparse
import json
from pathlib import Path

from paddle import inference
from preprocess_ops import postprocess, preprocess


def create_predictor(folder):
    config = inference.Config(str(folder / "inference.pdmodel"), str(folder / "inference.pdiparams"))
    config.disable_gpu()
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(1)
    return inference.create_predictor(config)


def predict(predictor, **arrays):
    for name, array in arrays.items():
        handle = predictor.get_input_handle(name)
        handle.reshape(array.shape)
        handle.copy_from_cpu(array)
    predictor.run()
    return [predictor.get_output_handle(name).copy_to_cpu() for name in predictor.get_output_names()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-dir", type=Path, required=True, help="folder of inference.pdmodel")
    parser.add_argument("--customers", type=Path, help="a customer on each line, as JSON")
    parser.add_argument("request", type=Path, nargs="?", help="a request of the service")
    args = parser.parse_args()
    predictor = create_predictor(args.model_dir)
    if args.customers:
        customers = [json.loads(line) for line in args.customers.read_text(encoding="utf-8").splitlines()]
    else:
        request = json.loads(args.request.read_text(encoding="utf-8"))
        customers = [dict(zip(request["key"], request["value"], strict=True))]
    for customer in customers:
        items, profile = preprocess(**customer)
        print(json.dumps(postprocess(*predict(predictor, items=items, profile=profile))))


if __name__ == "__main__":
    main()
