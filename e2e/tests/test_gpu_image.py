"""The GPU image on a machine without a GPU: it says so, and computes on the CPU where it is told to.

It is 6 GB and is not built by `make images`: make images IMAGES=paddle-serving-runtime-gpu
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from e2e.lib.cluster import CommandFailed, run
from e2e.lib.container import CONFINED, container, example_package
from e2e.lib.pods import image
from e2e.lib.standalone import open_folder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

GPU_IMAGE = image("paddle-serving-runtime-gpu")
SERVE = ("serve", "--model-dir", "/models", "--name", "uci-housing", "--workers", "1")

LOADED_BY_NAME = (
    *("libcublas.so", "libcublasLt.so", "libcudnn.so", "libcufft.so", "libcurand.so", "libcusolver.so"),
    *("libcusparse.so", "libnvrtc.so"),
)
"""What Paddle 2.6 opens by these names when a model needs it (phi/backends/dynload/dynamic_loader.h names them all).

The driver mounts libcuda.so. Models on one card need none of the rest: NCCL, TensorRT, CUPTI, NVTX, nvJPEG.
"""

LOAD_ALL = """
import ctypes, sys
for name in sys.argv[1:]:
    try:
        ctypes.CDLL(name)
    except OSError as error:
        print(error)
"""


def test_every_library_that_paddle_opens_by_its_name_is_there(gpu_image: str) -> None:
    python = ["docker", "run", "--rm", "--entrypoint", "/opt/venv/bin/python", gpu_image]
    assert run([*python, "-c", LOAD_ALL, *LOADED_BY_NAME]) == ""


@pytest.fixture
def gpu_image() -> str:
    try:
        run(["docker", "image", "inspect", "--format", "{{.Id}}", GPU_IMAGE])
    except CommandFailed:
        pytest.skip(f"{GPU_IMAGE} is not built; `make gpu-image` builds it")
    return GPU_IMAGE


@pytest.fixture
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example_package("uci-housing", open_folder(tmp_path_factory, "gpu"))


@pytest.mark.usefixtures("gpu_image")
def test_without_a_gpu_it_ends_with_what_is_missing_and_never_computes_on_the_cpu(package: Path) -> None:
    with container(*SERVE, package=package, runtime=GPU_IMAGE) as served:
        ended = served.has_ended()
    assert ended.code == 2, ended.output
    assert "InvalidOption: device gpu:0 is asked for, but 0 GPUs are visible." in ended.output.splitlines()[-1]
    assert "NVIDIA driver" in ended.output


@pytest.mark.usefixtures("gpu_image")
def test_told_to_use_the_cpu_it_serves_what_was_recorded_there(package: Path) -> None:
    options = (*CONFINED, "--env", "SERVING_DEVICE=cpu")
    with container(*SERVE, options=options, package=package, runtime=GPU_IMAGE) as served:
        served.is_ready()
        report = requests.get(f"{served.url(8081)}/report", timeout=30).json()
        sample = next((package / "golden").glob("*.json")).read_bytes()
        answer = served.post("uci-housing/prediction", sample)
    assert (report["verdict"], report["paddleVersion"], report["device"]) == ("Recorded", "2.6.2", "cpu")
    assert (answer.status_code, answer.json()["err_no"]) == (200, 0)
