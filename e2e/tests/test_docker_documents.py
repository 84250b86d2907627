"""What documents say to type with Docker alone, as they say it. Needs a Docker engine with the images, no cluster."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
import requests

from e2e.lib.cluster import ROOT, run
from e2e.lib.container import Container, example_package, require_images
from e2e.lib.pods import RUNTIME
from e2e.lib.standalone import open_folder
from e2e.lib.wait import Seen, wait_for
from e2e.ports import free_ports
from tools.documents import Block, command, commands
from tools.typed import typed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

PACKAGES = "docs/model-package.md"
STANDALONE = "docs/standalone.md"
HOUSING = "e2e-documented-housing"
NAMED = f"example/runtime@sha256:{'1' * 64}"
READY_SECONDS = 120.0


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone's root, as far as documents reach into it, where containers can read and write."""
    require_images(RUNTIME)
    made = open_folder(tmp_path_factory, "documents")
    (made / "examples").symlink_to(ROOT / "examples")
    return made


@pytest.fixture
def ports(folder: Path) -> Iterator[dict[int, int]]:
    """A port of this machine for each of the container's; the container is removed at the end."""
    assert folder
    yield dict(zip((8080, 9000, 8081), free_ports(3), strict=True))
    typed(f"docker ps --all --quiet --filter name={HOUSING} | xargs --no-run-if-empty docker rm --force --volumes")


def shown(block: Block, folder: Path, by: dict[str, str]) -> str:
    """What the one command prints. The last line that the document shows is among it: two streams come in any order."""
    (expected,) = (each.printed for each in block.commands)
    printed = typed(block.replaced(by).text, folder=folder)
    assert alike(expected or "")[-1] in alike(printed)
    return printed


def alike(text: str) -> list[str]:
    """Lines without times."""
    return [re.sub(r"\d[\d.]* s\b|\"(time|seconds)\":[^,}]*", "", line) for line in text.strip().splitlines()]


def test_a_container_serves_is_checked_and_drained_as_standalone_shows(folder: Path, ports: dict[int, int]) -> None:
    typed(commands(STANDALONE, "python3 examples/build.py").text, folder=folder)
    own = {f"--publish {'127.0.0.1:' * (port == 8081)}{port}:": f"--publish 127.0.0.1:{ports[port]}:" for port in ports}
    start = command(STANDALONE, "docker run --detach --name housing").replaced(
        own | {"--name housing": f"--name {HOUSING}", "--detach": f"--detach --env SERVING_IMAGE_DIGEST={NAMED}"}
    )
    typed(start.text, folder=folder)
    http, admin = ({f"127.0.0.1:{port}": f"127.0.0.1:{ports[port]}"} for port in (8080, 8081))
    shown(command(STANDALONE, "until curl"), folder, admin)
    logs = command(STANDALONE, "docker logs housing").replaced({"housing": HOUSING})
    assert '"message":"ready","verdict":"Recorded"' in typed(logs.text)
    shown(command(STANDALONE, "curl --silent http://127.0.0.1:8080/uci-housing/prediction"), folder, http)
    shown(command(STANDALONE, "curl --silent http://127.0.0.1:8080/v2/models/uci-housing"), folder, http)
    shown(command(STANDALONE, "docker exec housing"), folder, {"exec housing": f"exec {HOUSING}"})

    metrics = command(STANDALONE, "curl --silent http://127.0.0.1:8081/metrics")
    told, said = (metrics.commands[0].printed or "").splitlines()[:-1], typed(metrics.replaced(admin).text)
    assert {line.split(" ")[0] for line in told} <= {line.split(" ")[0] for line in said.splitlines()}

    report = requests.get(f"http://127.0.0.1:{ports[8081]}/report", timeout=60).text
    (folder / "report.json").write_text(report)
    again = command("docs/evidence.md", "docker run --rm -i").replaced(
        {"/ocr-rec:": "/uci-housing:", "DIGEST=IMAGE@sha256:...": f"DIGEST={NAMED}", "IMAGE@sha256:...": RUNTIME}
    )
    # docker passes on two streams, and which of their lines comes last is chance
    lines = typed(again.text, folder=folder).splitlines()
    assert [line for line in lines if line.startswith("Confirmed, verdict Recorded, 3 samples")]
    stop = {"stop housing": f"stop {HOUSING}", "}' housing": f"}}' {HOUSING}"}
    shown(command(STANDALONE, "docker stop housing"), folder, stop)


def test_a_container_is_started_as_the_protocols_ask_one(folder: Path, ports: dict[int, int]) -> None:
    typed(command("docs/protocols.md", "python3 examples/build.py").text, folder=folder)
    own = {f"-p {port}:": f"-p 127.0.0.1:{ports[port]}:" for port in (8080, 9000)}
    start = command("docs/protocols.md", "docker run --rm")
    typed(start.replaced(own | {"--rm": f"--rm --detach --name {HOUSING}"}).text, folder=folder)
    url = f"http://127.0.0.1:{ports[8080]}/v2/health/ready"

    def look() -> Seen:
        try:
            answer = requests.get(url, timeout=READY_SECONDS)
        except requests.RequestException as error:
            return Seen(done=False, what=str(error))
        return Seen(answer.ok, answer.text)

    wait_for(url, look, within=READY_SECONDS)
    assert Container(HOUSING).state()["Running"]


def test_a_service_of_paddle_serving_becomes_a_package(folder: Path) -> None:
    package = example_package("ocr-rec", folder)
    (package / "ocr_rec_server").rename(package / "inference")
    (package / "golden" / "hello.json").rename(package / "a-request.json")
    shutil.rmtree(package / "golden")
    (package / "MANIFEST.sha256").unlink()
    server = {"--serving_server=./serving_server": "--serving_server=./ocr_rec_server"}
    block = commands(PACKAGES, "alias runtime=").replaced(server)
    # in a script, bash keeps aliases for itself until it is told otherwise
    said = typed(f"shopt -s expand_aliases\n{block.text}", folder=package)
    assert re.search(r"^sha256:[0-9a-f]{64}$", said, re.MULTILINE)
    assert "Hello Paddle" in (package / "golden" / "expected" / "hello.json").read_text()


def test_settings_are_tried_in_the_image(folder: Path) -> None:
    example_package("uci-housing", folder).rename(folder / "package")
    short = "tune package --seconds 15 --backends Default --cpus 1"
    block = commands("docs/tune.md", "docker run --rm --cpus 4")
    said = typed(block.replaced({"--cpus 4": "--cpus 1", "tune package": short}).text, folder=folder)
    assert "REQUESTS/S" in said
    assert (folder / "tune.png").is_file()


@pytest.mark.by_hand
def test_images_are_built_and_measured_by_the_lines_of_their_page() -> None:
    vision = command("docs/image.md", "python -m images build paddle-serving-runtime-vision")
    built = typed(f"{command('docs/image.md', 'python -m images build paddle-serving-runtime').text}\n{vision.text}")
    assert "image paddle-serving-runtime:0.1.0-vision" in built
    assert "| Paddle: libpaddle |" in typed(command("docs/image.md", "python -m images size").text)


def test_an_example_is_assembled_and_packed(folder: Path) -> None:
    typed(
        command("examples/README.md", "python3 examples/build.py").replaced({"NAME": "uci-housing"}).text, folder=folder
    )
    assert (folder / "build" / "uci-housing" / "golden" / "house.json").is_file()
    image = f"--tag {HOUSING}:test -f"
    build = command("examples/README.md", "docker build").replaced({"=NAME": "=uci-housing", "-f": image})
    typed(build.text)
    run(["docker", "rmi", f"{HOUSING}:test"])
