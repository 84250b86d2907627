"""What the documents of the examples say to type, from the weights to recorded answers, for each example."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from images.serving.tests.process.documents.conftest import Started
from tools.documents import ROOT, command, each
from tools.typed import typed

PREPARE = each("examples/*/README.md", "bash test_tipc/prepare.sh ")
BUILD = each("examples/*/README.md", "python3 examples/build.py ")
DIGEST = each("examples/*/README.md", "paddle-serving-runtime digest ")
SERVE = each("examples/*/README.md", "paddle-serving-runtime serve ")
RECORD = each("examples/*/README.md", "paddle-serving-runtime record ")
KEEP = each("examples/*/README.md", "cp build/")
CLIENT = each("examples/*/README.md", "python3 examples/{name}/pipeline_http_client.py ")
AUTHOR = each("examples/*/README.md", "python3 examples/{name}/infer.py ")
LIGHT = "examples/two-tasks/README.md"
HOUSING = "examples/uci-housing/README.md"
DETECTOR = "examples/ocr-det/README.md"
MADE = shutil.ignore_patterns("__pycache__", "output", "*_server", "*_client")
TENSORS = "curl -s http://127.0.0.1:8080/uci-housing/prediction --data-binary @examples/uci-housing/golden/house.json"
TEXT = "curl -s http://127.0.0.1:8080/uci-housing/prediction --data-binary @examples/uci-housing/golden/text.json"
PRICE = 18.901152

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the part of the repository that the commands read and write."""
    for folder in ("test_tipc", "examples"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=MADE)
    return tmp_path


def name_of(document: str) -> str:
    return Path(document).parent.name


def packaged(document: str, checkout: Path) -> None:
    typed(BUILD[document].text, folder=checkout)
    resource = yaml.safe_load((ROOT / f"examples/{name_of(document)}.yaml").read_text())
    assert resource["spec"]["model"]["digest"] in typed(DIGEST[document].text, folder=checkout)


def lines(text: str, checkout: Path) -> list[str]:
    """The answers among what the commands print."""
    return [line for line in typed(text, folder=checkout).splitlines() if line.startswith("{")]


def recorded(document: str, checkout: Path) -> None:
    """Records the answers anew, and puts them where the author keeps them."""
    kept = checkout / "examples" / name_of(document) / "golden/expected"
    before = sorted(path.name for path in kept.iterdir())
    typed(RECORD[document].text, folder=checkout)
    if document in KEEP:
        for path in kept.iterdir():
            path.unlink()
        typed(KEEP[document].text, folder=checkout)
        assert sorted(path.name for path in kept.iterdir()) == before


@pytest.mark.parametrize(
    "document",
    [
        # half a minute of CPU each, of the same commands, which examples/tests/test_readme.py compares
        document if document == LIGHT else pytest.param(document, marks=pytest.mark.by_hand)
        for document in sorted(SERVE)
    ],
)
def test_a_service_is_prepared_served_asked_compared_and_recorded(
    document: str, checkout: Path, started: Started
) -> None:
    typed(PREPARE[document].text, folder=checkout)
    packaged(document, checkout)
    serving = started(SERVE[document], checkout).wait_ready()
    assert serving.get("/report").json()["verdict"] == "Recorded"
    answers = lines(f"{CLIENT[document].text} --url {serving.http}/{name_of(document)}/prediction", checkout)
    own = lines(AUTHOR[document].text, checkout)
    assert len(answers) == len(own) >= 2
    assert all(json.loads(line) for line in own)
    serving.kill()
    recorded(document, checkout)


def test_a_plain_model_is_asked_in_tensors_and_in_text(checkout: Path, started: Started) -> None:
    packaged(HOUSING, checkout)
    serving = started(SERVE[LIGHT].replaced({"two-tasks": "uci-housing"}), checkout).wait_ready()
    for ask in (command(HOUSING, TENSORS), command(HOUSING, TEXT)):
        answer = typed(ask.replaced({"http://127.0.0.1:8080": serving.http}).text, folder=checkout)
        assert str(PRICE) in answer
    recorded(HOUSING, checkout)


def test_a_model_without_code_is_checked_and_recorded(checkout: Path, started: Started) -> None:
    packaged(DETECTOR, checkout)
    serving = started(SERVE[LIGHT].replaced({"two-tasks": "ocr-det"}), checkout).wait_ready()
    check = command(DETECTOR, "paddle-serving-runtime check ")
    typed(check.replaced({"http://127.0.0.1:8080": serving.http}).text, folder=checkout)
    recorded(DETECTOR, checkout)
