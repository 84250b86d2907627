"""The engines, as their users start them: one thread, float32, one input and one output, everything else as it comes.

For the environments of the peers: nothing but an engine and NumPy is imported.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

Run = Callable[[np.ndarray], np.ndarray]


def load(folder: Path, engine: str) -> Run:
    """What computes the model in `folder` (inference.pdmodel and .pdiparams, for ONNX Runtime inference.onnx)."""
    return {"paddle": paddle, "paddle-openvino": paddle_openvino, "openvino": openvino, "onnxruntime": onnxruntime}[
        engine
    ](folder)


def served() -> Run:
    """The model and the engine that the benchmark names in the environment of a server."""
    return load(Path(os.environ["BENCH_MODEL"]), os.environ["BENCH_ENGINE"])


def paddle(folder: Path) -> Run:
    """Paddle Inference with its default switches, oneDNN among them."""
    from paddle import inference

    return _paddle(inference, _config(inference, folder))


def paddle_openvino(folder: Path) -> Run:
    """Paddle Inference with the OpenVINO engine that is in its wheel.

    It leaves compiled models in the working directory where it is given no other.
    """
    from paddle import inference

    config = _config(inference, folder)
    config.enable_openvino_engine(inference.PrecisionType.Float32)
    config.set_optim_cache_dir(tempfile.mkdtemp())
    return _paddle(inference, config)


def _config(inference, folder: Path):
    config = inference.Config(str(folder / "inference.pdmodel"), str(folder / "inference.pdiparams"))
    config.disable_gpu()
    config.disable_glog_info()
    config.enable_mkldnn()
    config.enable_memory_optim()
    config.set_cpu_math_library_num_threads(1)
    return config


def _paddle(inference, config) -> Run:
    predictor = inference.create_predictor(config)
    given = predictor.get_input_handle(predictor.get_input_names()[0])
    made = predictor.get_output_names()[0]

    def run(x: np.ndarray) -> np.ndarray:
        given.copy_from_cpu(x)
        predictor.run()
        return predictor.get_output_handle(made).copy_to_cpu()

    return run


def openvino(folder: Path) -> Run:
    """OpenVINO reading Paddle's own files. Its own choice of precision may be bfloat16: float32 is asked for."""
    from openvino import Core

    switches = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    compiled = Core().compile_model(str(folder / "inference.pdmodel"), "CPU", switches)
    request = compiled.create_infer_request()

    def run(x: np.ndarray) -> np.ndarray:
        return request.infer([x])[0].copy()

    return run


def onnxruntime(folder: Path) -> Run:
    """ONNX Runtime on what paddle2onnx made of the model."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = InferenceSession(str(folder / "inference.onnx"), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(x: np.ndarray) -> np.ndarray:
        return session.run(None, {name: x})[0]

    return run
