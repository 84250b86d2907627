"""Paddle Inference and nothing else: python raw_inference.py MODEL INPUTS OUTPUTS [MODEL INPUTS OUTPUTS]...

INPUTS and OUTPUTS are .npz files; arrays are called <request>/<name of the input or output>, in any number.
"""

import sys
from pathlib import Path

import numpy as np
from paddle import inference


def load(model: Path) -> inference.Predictor:
    program = next(path for name in ("*.json", "*.pdmodel", "__model__") for path in sorted(model.glob(name)))
    params = program.with_name("inference.pdiparams")
    config = inference.Config(str(program), str(params)) if params.exists() else inference.Config(str(model))
    config.disable_gpu()
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(1)
    config.enable_mkldnn()
    return inference.create_predictor(config)


def main(model: str, inputs: str, outputs: str) -> None:
    predictor = load(Path(model))
    names = predictor.get_input_names()
    computed = {}
    with np.load(inputs) as arrays:
        for request in sorted({key.partition("/")[0] for key in arrays}):
            for name in names:
                predictor.get_input_handle(name).copy_from_cpu(arrays[f"{request}/{name}"])
            predictor.run()
            for name in predictor.get_output_names():
                computed[f"{request}/{name}"] = predictor.get_output_handle(name).copy_to_cpu()
    np.savez(outputs, **computed)


if __name__ == "__main__":
    for position in range(1, len(sys.argv), 3):
        main(*sys.argv[position : position + 3])
