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
from e2e.lib.standalone import DOCUMENT
from e2e.lib.wait import Seen, wait_for
from e2e.ports import free_ports
from tools.documents import command, not_executed, replaced, snippet
from tools.typed import typed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

PAGE = "docs/standalone.md"
INSTALL_SECONDS = 400.0
READY_SECONDS = 120.0
DRAIN_SECONDS = 120.0
SYSTEMD = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "HOME": "/", "USER": "paddle-serving"}
"""What a service with DynamicUser finds in its environment, as far as a program reads it."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, in a virtual environment that has nothing else; uv's cache is used where there is uv."""
    folder = tmp_path_factory.mktemp("installation")
    (folder / "images").symlink_to(ROOT / "images")
    uv = shutil.which("uv")
    pip = {"venv/bin/pip install": f"{uv} pip install --python venv"} if uv else {}
    typed(command(PAGE, "python3 -m venv venv").text, folder=folder)
    typed(
        command(PAGE, "venv/bin/pip install --no-deps --req").replaced(pip).text, folder=folder, seconds=INSTALL_SECONDS
    )
    typed(command(PAGE, "venv/bin/pip install --no-deps ./").replaced(pip).text, folder=folder, seconds=INSTALL_SECONDS)
    return folder / "venv" / "bin" / "paddle-serving-runtime"


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
    shown = command(PAGE, "venv/bin/paddle-serving-runtime serve")
    words = shown.replaced(
        {"venv/bin/paddle": f"{installed.parent}/paddle", "-dir uci-housing": f"-dir {package}"}
    ).text
    with served([*words.split(), "--workers", "1"], tmp_path / "serve.log", outside(os.defpath + ":/usr/sbin")) as url:
        agrees(installed, url, package)


@pytest.fixture(scope="module")
def unit(installed: Path, package: Path) -> str:
    """The document's systemd unit; only the paths of the command and of the package are others."""
    paths = {
        "/opt/paddle-serving/venv/bin/paddle-serving-runtime": str(installed),
        "/srv/models/uci-housing": str(package),
    }
    return replaced(snippet(DOCUMENT, "ini"), paths, DOCUMENT)


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
    (start,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    with served(shlex.split(start), tmp_path / "serve.log", SYSTEMD) as url:
        agrees(installed, url, package)


def test_debian_has_what_the_document_installs() -> None:
    install = not_executed(PAGE, "sudo apt-get install", "it changes the machine")
    typed(install.replaced({"sudo apt-get": "apt-get --simulate"}).text)


def test_the_plugin_of_kubectl_is_installed_from_a_clone(tmp_path: Path) -> None:
    uv = shutil.which("uv")
    run([sys.executable, "-m", "venv", *(["--without-pip"] if uv else []), str(tmp_path / "venv")])
    pip = f"{uv} pip install --python {tmp_path}/venv" if uv else f"{tmp_path}/venv/bin/pip install"
    typed(command("docs/kubectl-paddle.md", "pip install").replaced({"pip install": pip}).text, seconds=INSTALL_SECONDS)
    assert "Usage: kubectl paddle" in typed(f"{tmp_path}/venv/bin/kubectl-paddle --help")


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
