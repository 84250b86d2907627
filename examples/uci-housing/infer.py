"""The author's own Paddle Inference script.

python infer.py PACKAGE/uci_housing_model golden/house.json prints one JSON object.
"""

import json
import sys
from pathlib import Path

import numpy as np
from paddle import inference


def request_array(path):
    """float32 [N, 13], from either form of request: a tensor, or text under the key x."""
    request = json.loads(Path(path).read_text(encoding="utf-8"))
    if "tensors" in request:
        (tensor,) = request["tensors"]
        return np.array(tensor["float_data"], dtype=np.float32).reshape(tensor["shape"])
    numbers = [float(number) for number in request["value"][0].split(",")]
    return np.array([numbers], dtype=np.float32)


def main():
    model, sample = sys.argv[1:3]
    config = inference.Config(model)
    config.disable_gpu()
    config.disable_glog_info()
    config.disable_mkldnn()
    config.set_cpu_math_library_num_threads(1)
    predictor = inference.create_predictor(config)
    array = request_array(sample)
    handle = predictor.get_input_handle("x")
    handle.reshape(array.shape)
    handle.copy_from_cpu(array)
    predictor.run()
    price = predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()
    print(json.dumps({"price": price.tolist()}))


if __name__ == "__main__":
    main()
