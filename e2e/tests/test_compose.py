"""The Compose file of docs/standalone.md, as it stands there. Needs a Docker engine with the images, no cluster."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from e2e.lib.cluster import run
from e2e.lib.container import Container
from e2e.lib.standalone import DOCUMENT, NAME, housing, open_folder
from e2e.lib.wait import Seen, wait_for
from tools.documents import snippet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

PROJECT = "e2e-paddle-serving"
HEALTHY_SECONDS = 90.0
DOWN_SECONDS = 60.0
PORT = re.compile(r'"(?:127\.0\.0\.1:)?(8080|9000|8081):\1"')


def compose(*arguments: str) -> list[str]:
    """A command line of Compose: Docker's plugin, or the program of its own that Debian has."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    assert plugin or shutil.which("docker-compose"), "Compose is missing: make standalone-tools"
    return [*(["docker", "compose"] if plugin else ["docker-compose"]), "--project-name", PROJECT, *arguments]


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Compose's command line for the document's file beside its package; only the host's ports are others."""
    folder = open_folder(tmp_path_factory, "compose")
    housing(folder)
    text, ports = PORT.subn(r'"127.0.0.1::\1"', snippet(DOCUMENT, "yaml"))
    assert ports == 3
    (folder / "compose.yaml").write_text(text)
    command = compose("--file", str(folder / "compose.yaml"), "--project-directory", str(folder))
    yield command
    run([*command, "down", "--volumes"], timeout=DOWN_SECONDS)


def is_healthy(served: Container) -> None:
    def look() -> Seen:
        state = served.state()
        return Seen(state["Health"]["Status"] == "healthy", json.dumps(state))

    wait_for("the service healthy", look, within=HEALTHY_SECONDS)


def test_compose_brings_it_up_healthy_and_down_drains_it(project: list[str], tmp_path: Path) -> None:
    run([*project, "up", "--detach"], timeout=DOWN_SECONDS)
    served = Container(run([*project, "ps", "--quiet", "housing"]).strip())
    is_healthy(served)

    sample = json.dumps({"tensors": [{"name": "x", "elem_type": 1, "shape": [1, 13], "float_data": [0.0] * 13}]})
    answer = served.post(f"{NAME}/prediction", sample.encode()).json()
    assert answer["tensors"][0]["float_data"] == [22.738298], answer

    # `down` removes the container and its log with it
    log = tmp_path / "log"
    with log.open("wb") as output:
        follow = subprocess.Popen(["docker", "logs", "--follow", served.id], stdout=output, stderr=subprocess.STDOUT)
        watch = subprocess.Popen(["docker", "wait", served.id], stdout=subprocess.PIPE, text=True)
    run([*project, "down"], timeout=DOWN_SECONDS)
    code, _ = watch.communicate(timeout=DOWN_SECONDS)
    follow.wait(timeout=DOWN_SECONDS)
    assert code.strip() == "0"
    assert json.loads(log.read_text().splitlines()[-1])["message"] == "drained"
