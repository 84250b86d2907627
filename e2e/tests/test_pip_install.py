"""The runtime without any container, as docs/standalone.md says: wheels, Debian's haproxy, `serve`, `check`."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests

from e2e.lib.cluster import ROOT, run
from e2e.lib.standalone import replaced, snippet
from e2e.lib.wait import Seen, wait_for
from e2e.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

SERVING = ROOT / "images" / "serving"
INSTALL_SECONDS = 400.0
READY_SECONDS = 120.0
DRAIN_SECONDS = 120.0
SYSTEMD = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "HOME": "/", "USER": "paddle-serving"}
"""What a service with DynamicUser finds in its environment, as far as a program reads it."""


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


def outside(path: str) -> dict[str, str]:
    """An environment that knows nothing of this one's."""
    return {"PATH": path, "HOME": os.environ["HOME"], "LANG": "C.UTF-8"}


@contextmanager
def served(command: list[str], log: Path, environment: dict[str, str]) -> Iterator[str]:
    """Runs `serve` on free ports; its URL once it is ready. The end of the block drains it, which must succeed."""
    assert shutil.which("haproxy"), "this test needs haproxy: apt-get install haproxy"
    http, admin = free_ports(2)
    ports = ["--http-port", str(http), "--admin-port", str(admin), "--grpc-port", "0", "--drain-delay", "0"]
    with log.open("wb") as output:
        serving = subprocess.Popen([*command, *ports], stdout=output, stderr=subprocess.STDOUT, env=environment)

    def look() -> Seen:
        try:
            ready = requests.get(f"http://127.0.0.1:{admin}/readyz", timeout=READY_SECONDS).ok
        except requests.RequestException:
            ready = False
        return Seen(ready or serving.poll() is not None, log.read_text())

    try:
        wait_for("serve ready", look, within=READY_SECONDS)
        yield f"http://127.0.0.1:{http}"
        serving.send_signal(signal.SIGTERM)
        wait_for("serve drained", lambda: Seen(serving.poll() is not None, log.read_text()), within=DRAIN_SECONDS)
        assert serving.returncode == 0, log.read_text()
    finally:
        serving.kill()
        serving.wait()


def agrees(installed: Path, url: str, package: Path) -> None:
    """`check` finds every answer to be that of Paddle Inference."""
    checked = run([str(installed), "check", "--url", url, "--model-dir", str(package)], timeout=READY_SECONDS)
    assert checked.splitlines()[0].startswith("SAMPLE")
    assert len(checked.splitlines()) > 3


def test_installed_wheels_serve_check_and_drain(installed: Path, package: Path, tmp_path: Path) -> None:
    command = [str(installed), "serve", "--model-dir", str(package), "--name", "uci-housing", "--workers", "1"]
    with served(command, tmp_path / "serve.log", outside(os.defpath + ":/usr/sbin")) as url:
        agrees(installed, url, package)


@pytest.fixture(scope="module")
def unit(installed: Path, package: Path) -> str:
    """The document's systemd unit; only the paths of the command and of the package are others."""
    paths = {
        "/opt/paddle-serving/venv/bin/paddle-serving-runtime": str(installed),
        "/srv/models/uci-housing": str(package),
    }
    return replaced(snippet("ini"), paths)


def test_systemd_finds_nothing_wrong_with_the_documents_unit(unit: str, tmp_path: Path) -> None:
    assert shutil.which("systemd-analyze"), "systemd-analyze is missing: make standalone-tools"
    path = tmp_path / "paddle-serving.service"
    path.write_text(unit)
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, timeout=60, check=False)
    about_it = [line for line in (done.stdout + done.stderr).splitlines() if path.name in line]
    assert (done.returncode, about_it) == (0, []), done.stderr


def test_the_command_line_of_the_documents_unit_serves_in_systemds_environment(
    unit: str, installed: Path, package: Path, tmp_path: Path
) -> None:
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    with served(shlex.split(command), tmp_path / "serve.log", SYSTEMD) as url:
        agrees(installed, url, package)


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
