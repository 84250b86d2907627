"""A plain model and a service with an Op behind a real front, and Paddle Inference alone beside them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from images.serving.tests.process.serve.conftest import Serving, make_package, serve, start_serving  # noqa: F401 - fixtures
from images.serving.tests.services import ROW as X

PADDLE = """
import sys
import numpy as np
from paddle import inference

model, inputs, outputs = sys.argv[1:]
config = inference.Config(model + "/inference.pdmodel", model + "/inference.pdiparams")
config.disable_gpu()
config.disable_glog_info()
config.set_cpu_math_library_num_threads(1)
config.switch_ir_optim(True)
config.enable_mkldnn()
predictor = inference.create_predictor(config)
with np.load(inputs) as arrays:
    for name in predictor.get_input_names():
        predictor.get_input_handle(name).copy_from_cpu(arrays[name])
predictor.run()
np.savez(outputs, *[predictor.get_output_handle(name).copy_to_cpu() for name in predictor.get_output_names()])
"""

Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="session")
def plain_package(tmp_path_factory: pytest.TempPathFactory, exported_models: Path) -> Path:
    """a int64 [N, 2], b float32 [N, 2], c bool [N, 2] -> float32 [N, 2], int64 [N, 2], without web_service.py."""
    root = tmp_path_factory.mktemp("plain")
    shutil.copytree(exported_models / "types", root / "model")
    tensors = [
        {"name": "a", "elem_type": 0, "shape": [1, 2], "int64_data": [1, 2]},
        {"name": "b", "elem_type": 1, "shape": [1, 2], "float_data": [0.1, 0.2]},
        {"name": "c", "elem_type": 9, "shape": [1, 2], "bool_data": [True, False]},
    ]
    (root / "golden").mkdir()
    (root / "golden" / "hello.json").write_text(json.dumps({"tensors": tensors}))
    return root


@pytest.fixture(scope="package")
def plain(tmp_path_factory: pytest.TempPathFactory, plain_package: Path) -> Iterator[Serving]:
    serving = start_serving(tmp_path_factory.mktemp("serve"), plain_package, "--workers", "2")
    yield serving.wait_ready()
    serving.kill()


@pytest.fixture(scope="package")
def service(
    tmp_path_factory: pytest.TempPathFactory,
    make_package: Callable[..., Path],  # noqa: F811 - the fixture
) -> Iterator[Serving]:
    """The price service: text in, text out; its Op is called price."""
    serving = start_serving(tmp_path_factory.mktemp("serve"), make_package(), "--workers", "1")
    yield serving.wait_ready()
    serving.kill()


@pytest.fixture(scope="package")
def paddle_inference(
    tmp_path_factory: pytest.TempPathFactory, plain_package: Path
) -> Callable[[Arrays], list[np.ndarray]]:
    """What Paddle Inference alone computes with the plain model, in a process of its own."""
    folder = tmp_path_factory.mktemp("paddle")

    known: dict[bytes, list[np.ndarray]] = {}

    def compute(inputs: Arrays) -> list[np.ndarray]:
        key = b"".join(array.tobytes() for array in inputs.values())
        if key not in known:
            known[key] = run(inputs)
        return known[key]

    def run(inputs: Arrays) -> list[np.ndarray]:
        np.savez(folder / "inputs.npz", **inputs)  # type: ignore[arg-type]
        files = (str(plain_package / "model"), str(folder / "inputs.npz"), str(folder / "outputs.npz"))
        subprocess.run([sys.executable, "-W", "ignore", "-c", PADDLE, *files], check=True, timeout=300)
        with np.load(folder / "outputs.npz") as arrays:
            return list(arrays.values())

    return compute


@pytest.fixture(scope="package")
def housing(
    tmp_path_factory: pytest.TempPathFactory,
    make_package: Callable[..., Path],  # noqa: F811 - the fixture
) -> Iterator[Serving]:
    golden = {"house.json": {"tensors": [{"name": "x", "elem_type": 1, "shape": [1, 13], "float_data": X}]}}
    package = make_package(script="", golden=golden)
    flags = ("--workers", "1", "--name", "uci-housing")
    serving = start_serving(tmp_path_factory.mktemp("serve"), package, *flags)
    yield serving.wait_ready()
    serving.kill()
