"""The author's own Paddle Inference script.

python infer.py PACKAGE/ocr_det_model golden/hello.npz prints one JSON object.
"""

import json
import sys

import numpy as np
from paddle import inference


def create_predictor(model):
    config = inference.Config(f"{model}/inference.json", f"{model}/inference.pdiparams")
    config.disable_gpu()
    config.disable_glog_info()
    # oneDNN in Paddle 3.3.1 cannot read the scale of nearest_interp in this form (Paddle issue 77340)
    config.disable_mkldnn()
    config.set_cpu_math_library_num_threads(1)
    return inference.create_predictor(config)


def main():
    model, sample = sys.argv[1:3]
    predictor = create_predictor(model)
    with np.load(sample) as arrays:
        predictor.get_input_handle("x").copy_from_cpu(arrays["x"])
    predictor.run()
    probability = predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()
    digits = [float(f"{value:.7g}") for value in probability.ravel()]
    print(json.dumps({"probability": np.reshape(digits, probability.shape).tolist()}))


if __name__ == "__main__":
    main()
