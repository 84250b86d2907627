"""What documents say to type, with a real `serve` where they ask or start one."""

import os
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.ports import free_ports
from images.serving.tests.process.serve.conftest import Serving, make_package, start_serving  # noqa: F401 - a fixture
from images.serving.tests.services import ROW
from tools.documents import Block

Started = Callable[..., Serving]
GOLDEN = {"house.json": {"tensors": [{"name": "x", "elem_type": 1, "shape": [1, 13], "float_data": ROW}]}}


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    """Starts the document's `serve` in a folder, with ports of its own and one worker, until the test ends."""
    running: list[Serving] = []

    def start(block: Block, folder: Path) -> Serving:
        http, admin, grpc = free_ports(3)
        ports = f"--workers 1 --http-port {http} --admin-port {admin} --grpc-port {grpc}"
        path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ["PATH"]))
        log, message = (tmp_path / f"{name}-{http}" for name in ("log", "message"))
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {block.text} {ports}"],
                cwd=folder,
                env={**os.environ, "PATH": path, "TERMINATION_LOG": str(message)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        urls = (f"http://127.0.0.1:{http}", f"http://127.0.0.1:{admin}", f"127.0.0.1:{grpc}")
        running.append(Serving(process, *urls, log, message))
        return running[-1]

    yield start
    for serving in running:
        serving.kill()


@pytest.fixture(scope="package")
def package(make_package: Callable[..., Path]) -> Path:  # noqa: F811 - the fixture
    """The example uci-housing, as small as it can be."""
    return make_package(script="", golden=GOLDEN)


@pytest.fixture(scope="package")
def housing(tmp_path_factory: pytest.TempPathFactory, package: Path) -> Iterator[Serving]:
    flags = ("--workers", "1", "--name", "uci-housing")
    serving = start_serving(tmp_path_factory.mktemp("serve"), package, *flags)
    yield serving.wait_ready()
    serving.kill()
