import time
from pathlib import Path

import pytest

from e2e.kind import docker
from e2e.kind.console import Step
from e2e.kind.errors import SetupError
from e2e.kind.tests.conftest import Fake


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.write_text("Pulling from an earlier attempt\n")
    return path


def test_a_registry_that_answers_is_pulled_from_however_long_it_takes(
    fake: Fake, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "REGISTRY_ANSWERS_WITHIN", 2.0)
    fake("docker", 'echo "v1: Pulling from kindest/node"; sleep 2.5; echo "Status: Downloaded newer image"')
    assert docker.pull("kindest/node:v1", log, Step("node image")) is True


def test_a_registry_that_keeps_silent_is_given_up(fake: Fake, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "REGISTRY_ANSWERS_WITHIN", 0.3)
    fake("docker", "exec sleep 600")
    begin = time.monotonic()
    assert docker.pull("kindest/node:v1", log, Step("node image")) is False
    assert time.monotonic() - begin < 120
    assert docker.last_line(log) == "no answer within 0.3s"


def test_a_registry_that_is_not_reached_is_given_up_with_the_reason(fake: Fake, log: Path) -> None:
    fake("docker", 'echo "no such host" >&2; exit 1')
    assert docker.pull("kindest/node:v1", log, Step("node image")) is False
    assert docker.last_line(log) == "no such host"


def test_a_download_that_breaks_off_is_no_image(fake: Fake, log: Path) -> None:
    fake("docker", 'echo "v1: Pulling from kindest/node"; sleep 0.5; echo "unexpected EOF" >&2; exit 1')
    assert docker.pull("kindest/node:v1", log, Step("node image")) is False


def test_a_failing_docker_command_is_a_sentence_with_its_reason(fake: Fake) -> None:
    fake("docker", 'echo "no such container: box" >&2; exit 1')
    with pytest.raises(SetupError, match="`docker rm box` failed: no such container: box"):
        docker.docker("rm", "box")
