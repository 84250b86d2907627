"""The runtime without Kubernetes, as docs/standalone.md says. Needs a Docker engine with the images, no cluster."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
import requests

from e2e.lib import answers
from e2e.lib.cluster import ROOT
from e2e.lib.container import CONFINED, container, example_package, output_of, require_images
from e2e.lib.pods import RUNTIME
from e2e.lib.standalone import DOCUMENT, open_folder
from e2e.lib.wait import Seen, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.lib.container import Container

pytestmark = pytest.mark.e2e

STOP_SECONDS = 60
STANDBY_SECONDS = 120.0
"""The standby process imports Paddle after the service is ready."""
SETTLED_LOOKS = 6
MEMORY_TOLERANCE = 0.25
"""Paddle has other code, and other buffers, for other processors."""

SERVE = ("serve", "--model-dir", "/models", "--name")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    require_images(RUNTIME)
    folder = open_folder(tmp_path_factory, "packages")
    found = {}
    for name in ("ocr-rec", "uci-housing"):
        (folder / name).mkdir()
        found[name] = example_package(name, folder / name)
    return found


def hello(packages: dict[str, Path]) -> bytes:
    return (packages["ocr-rec"] / "golden" / "hello.json").read_bytes()


def stop(served: Container) -> int:
    """The exit status after `docker stop`."""
    subprocess.run(["docker", "stop", "--time", str(STOP_SECONDS), served.id], check=True, stdout=subprocess.DEVNULL)
    code: int = served.state()["ExitCode"]
    return code


@pytest.mark.parametrize("name", ["ocr-rec", "uci-housing"])
def test_docker_run_serves_a_folder_with_nothing_to_write_to_and_no_capability(
    packages: dict[str, Path], name: str
) -> None:
    with container(*SERVE, name, package=packages[name]) as served:
        served.is_ready()

        report = requests.get(f"{served.url(8081)}/report", timeout=60).json()
        assert (report["verdict"], report["samples"]) == ("Recorded", 3)
        for sample in sorted((packages[name] / "golden").glob("*.json")):
            recorded = json.loads((packages[name] / "golden" / "expected" / sample.name).read_bytes())["answer"]
            answer = served.post(f"{name}/prediction", sample.read_bytes()).json()
            assert answer["err_no"] == 0, answer
            assert set(answers.of_response(answer)) == set(recorded)
        assert stop(served) == 0


def test_docker_stop_loses_no_request(packages: dict[str, Path]) -> None:
    body = hello(packages)
    outcomes: list[str] = []
    answered = threading.Semaphore(0)
    with container(*SERVE, "ocr-rec", "--drain-delay", "10", package=packages["ocr-rec"]) as served:
        served.is_ready()
        url = f"{served.own_url(8080)}/ocr-rec/prediction"

        def send_until_nobody_listens() -> None:
            while True:
                try:
                    outcomes.append(str(requests.post(url, data=body, timeout=60).status_code))
                    answered.release()
                except requests.RequestException as error:
                    outcomes.append(repr(error))
                    return

        senders = [threading.Thread(target=send_until_nobody_listens) for _ in range(2)]
        for sender in senders:
            sender.start()
        for _ in range(10):
            assert answered.acquire(timeout=60), outcomes
        before = outcomes.count("200")
        code = stop(served)
        for sender in senders:
            sender.join(timeout=60)
        last_record = served.records()[-1]

    assert (code, last_record["message"]) == (0, "drained")
    assert outcomes.count("200") > before + 2 * len(senders), "nothing was served after SIGTERM"
    others = [outcome for outcome in outcomes if outcome != "200"]
    assert len(others) == len(senders)
    assert all("Connection refused" in outcome for outcome in others), others


@pytest.mark.parametrize(("cpus", "workers"), [("1", 1), ("0.5", 1), ("2", 2)])
def test_workers_follow_the_cpu_limit_of_the_container(packages: dict[str, Path], cpus: str, workers: int) -> None:
    with container(*SERVE, "x", options=(*CONFINED, "--cpus", cpus), package=packages["uci-housing"]) as served:
        served.is_ready()
        report = requests.get(f"{served.url(8081)}/report", timeout=60).json()
    assert report["workers"] == workers


def test_two_workers_take_the_memory_that_the_document_says(packages: dict[str, Path]) -> None:
    (said,) = re.findall(r"Two workers of this example take\s+(\d+) MB", (ROOT / DOCUMENT).read_text())
    with container(*SERVE, "uci-housing", "--workers", "2", package=packages["uci-housing"]) as served:
        served.is_ready()

        looks: list[int] = []

        def settled() -> Seen:
            looks.append(served.memory())
            last = looks[-SETTLED_LOOKS:]
            return Seen(len(last) == SETTLED_LOOKS and max(last) - min(last) < 1e6, f"{looks}")

        wait_for("the memory to stop growing", settled, within=STANDBY_SECONDS)
    assert looks[-1] / 1e6 == pytest.approx(int(said), rel=MEMORY_TOLERANCE)


def test_a_folder_that_the_containers_user_cannot_read_is_refused_with_the_remedy(
    packages: dict[str, Path], tmp_path: Path
) -> None:
    private = tmp_path / "private"
    subprocess.run(["cp", "-R", packages["uci-housing"], private], check=True)
    private.chmod(0o700)
    with container(*SERVE, "x", package=private) as served:
        ended = served.has_ended()
    assert ended.code == 1
    assert ended.output.startswith("ModelUnavailable: /models (drwx------, owner ")
    assert "cannot be read by user 65532" in ended.output
    assert "chmod -R a+rX" in ended.output

    owner = ("--user", f"{private.stat().st_uid}:{private.stat().st_gid}")
    with container(*SERVE, "x", options=(*CONFINED, *owner), package=private) as served:
        served.is_ready()


def test_a_read_only_container_without_memory_to_write_to_is_told_the_flags(packages: dict[str, Path]) -> None:
    with container(*SERVE, "x", options=("--read-only",), package=packages["uci-housing"]) as served:
        ended = served.has_ended()
    assert ended.code == 1
    assert "NoWorkingFolder" in ended.output
    assert "--tmpfs /run --tmpfs /tmp" in ended.output


def test_a_folder_without_a_package_is_refused_in_one_sentence() -> None:
    require_images(RUNTIME)
    with container(*SERVE, "x") as served:
        ended = served.has_ended()
    assert ended.code == 4
    assert ended.output.startswith("ModelInvalid: /models has neither web_service.py nor a model")


def test_a_processs_first_imports_find_their_bytecode() -> None:
    require_images(RUNTIME)
    program = "import paddle, paddle_serving_runtime.worker.__main__, paddle_serving_runtime.supervisor.supervise"
    done = subprocess.run(
        ["docker", "run", "--rm", "--entrypoint", "python3", RUNTIME, "-v", "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = [line for line in done.stderr.splitlines() if line.startswith("# code object from ")]
    assert len(loaded) > 1000
    assert [line for line in loaded if line.endswith(".py")] == []


def test_the_image_has_no_program_that_gains_rights() -> None:
    require_images(RUNTIME)
    assert output_of("find", "/", "-xdev", "-perm", "/6000", "-type", "f", options=("--user", "0")) == ""
