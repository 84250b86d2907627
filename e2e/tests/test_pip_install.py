"""The runtime without any container, as docs/standalone.md says: wheels, Debian's haproxy, `serve`, `check`."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import requests

from e2e.lib.cluster import ROOT, run
from e2e.lib.wait import Seen, wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

SERVING = ROOT / "images" / "serving"
INSTALL_SECONDS = 400.0
READY_SECONDS = 60.0
DRAIN_SECONDS = 30.0


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, in a virtual environment that has nothing else; uv's cache is used where there is uv."""
    environment = tmp_path_factory.mktemp("installation") / "venv"
    uv = shutil.which("uv")
    run([sys.executable, "-m", "venv", *(["--without-pip"] if uv else []), str(environment)])
    install = (
        [uv, "pip", "install", "--python", str(environment)] if uv else [str(environment / "bin" / "pip"), "install"]
    )
    run([*install, "--no-deps", "--requirement", str(SERVING / "requirements-cpu.txt")], timeout=INSTALL_SECONDS)
    run([*install, "--no-deps", str(SERVING)], timeout=INSTALL_SECONDS)
    return environment / "bin" / "paddle-serving-runtime"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory, installed: Path) -> Path:
    folder = tmp_path_factory.mktemp("examples") / "uci-housing"
    run([sys.executable, str(ROOT / "examples" / "build.py"), "uci-housing", str(folder)], timeout=INSTALL_SECONDS)
    run([str(installed), "digest", str(folder)])
    return folder


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def outside(path: str) -> dict[str, str]:
    """An environment that knows nothing of this one's."""
    return {"PATH": path, "HOME": os.environ["HOME"], "LANG": "C.UTF-8"}


def test_installed_wheels_serve_check_and_drain(installed: Path, package: Path, tmp_path: Path) -> None:
    assert shutil.which("haproxy"), "this test needs haproxy: apt-get install haproxy"
    http, admin = free_port(), free_port()
    ports = ["--http-port", str(http), "--admin-port", str(admin), "--grpc-port", "0"]
    command = [str(installed), "serve", "--model-dir", str(package), "--name", "uci-housing", *ports]
    log = tmp_path / "serve.log"
    with log.open("wb") as output:
        serving = subprocess.Popen(
            [*command, "--workers", "1", "--drain-delay", "0"],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=outside(os.defpath + ":/usr/sbin"),
        )

    def look() -> Seen:
        try:
            ready = requests.get(f"http://127.0.0.1:{admin}/readyz", timeout=5).ok
        except requests.RequestException:
            ready = False
        return Seen(ready or serving.poll() is not None, log.read_text())

    try:
        wait_for("serve ready", look, within=READY_SECONDS)
        url = f"http://127.0.0.1:{http}"
        checked = run([str(installed), "check", "--url", url, "--model-dir", str(package)], timeout=READY_SECONDS)
        assert checked.splitlines()[0].startswith("SAMPLE")
        assert len(checked.splitlines()) > 3
        serving.send_signal(signal.SIGTERM)
        wait_for("serve drained", lambda: Seen(serving.poll() is not None, log.read_text()), within=DRAIN_SECONDS)
        assert serving.returncode == 0, log.read_text()
    finally:
        serving.kill()
        serving.wait()


def test_without_haproxy_it_says_what_to_install(installed: Path, package: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed, "serve", "--model-dir", package, "--name", "x"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=outside(str(tmp_path)),
    )
    assert done.returncode == 1
    assert done.stderr.startswith("HaproxyMissing: ")
    assert "apt-get install haproxy" in done.stderr
