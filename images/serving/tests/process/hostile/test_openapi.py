"""docs/open-inference.openapi.yaml holds for a running service: schemathesis sends what it makes of the document."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from images.serving.tests.process.hostile.conftest import assert_tells_nothing
from images.serving.tests.services import ROW as X

if TYPE_CHECKING:
    from images.serving.tests.process.hostile.conftest import Target

DOCUMENT = Path(__file__).resolve().parents[5] / "docs" / "open-inference.openapi.yaml"
MODEL = "price"
FLOAT32 = {"type": "number", "minimum": -3.4e38, "maximum": 3.4e38}

GENERATION = ("--generation-deterministic", "--continue-on-failure", "--warnings", "off")
# which tensors a model takes is not for this document to say
CHECKS = ("--checks", "all", "--exclude-checks", "positive_data_acceptance")


class Answer(NamedTuple):
    method: str
    path: str
    status: int
    body: str


def document() -> dict[str, Any]:
    """The document, which knows of one model only: every other name is a wrong one."""
    loaded: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    model = loaded["components"]["parameters"]["model"]
    model["schema"], model["example"] = {"type": "string", "enum": [MODEL]}, MODEL
    return loaded


def document_of_the_model() -> dict[str, Any]:
    """The same for nothing but requests that the model takes: one row of 13 numbers."""
    loaded = document()
    schemas = loaded["components"]["schemas"]
    request, output = schemas["InferRequest"]["properties"], schemas["RequestOutput"]["properties"]
    request["inputs"]["maxItems"] = request["outputs"]["maxItems"] = 1
    request["parameters"]["additionalProperties"] = output["parameters"]["additionalProperties"] = False
    output["name"] = {"type": "string", "enum": ["price"]}
    schemas["RequestInput"]["properties"] = {
        "name": {"type": "string", "enum": ["x"]},
        "datatype": {"type": "string", "enum": ["FP32"]},
        "shape": {"type": "array", "enum": [[1, len(X)]]},
        "data": {"type": "array", "minItems": len(X), "maxItems": len(X), "items": FLOAT32},
    }
    schemas["RequestInput"]["additionalProperties"] = False
    return loaded


def answers(target: "Target", folder: Path, loaded: dict[str, Any], *flags: str) -> list[Answer]:
    """All that came back. Fails with what schemathesis says, curl commands included, where one of its checks does."""
    (folder / "openapi.json").write_text(json.dumps(loaded))
    program = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", target.serving.http]
    report = ["--report", "har", "--report-har-path", "har.json"]
    done = subprocess.run(
        [*program, *GENERATION, *flags, *report], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    entries = json.loads((folder / "har.json").read_text())["log"]["entries"]
    return list(map(_answer, entries))


def _answer(entry: dict[str, Any]) -> Answer:
    request, response = entry["request"], entry["response"]
    path = "/" + request["url"].split("/", 3)[3]
    return Answer(request["method"], path, response["status"], response["content"].get("text", ""))


def operations(loaded: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Method and path of every operation, with the model and its version in it."""
    for path, item in loaded["paths"].items():
        for method in {"get", "post"} & item.keys():
            yield method.upper(), path.replace("{model}", MODEL).replace("{version}", "1")


def test_every_operation_answers_good_and_bad_requests_as_the_document_says(target: "Target", tmp_path: Path) -> None:
    loaded = document()
    phases = ("--phases", "examples,coverage,fuzzing", "--max-examples", "10")
    received = answers(target, tmp_path, loaded, *phases, *CHECKS)
    for answer in received:
        assert answer.status < 500, answer
        assert_tells_nothing(answer.body.encode())
    seen = Counter((answer.method, answer.path, answer.status) for answer in received)
    for method, path in operations(loaded):
        assert seen[method, path, 200], f"no {method} {path} was accepted"
        if method == "POST":
            assert seen[method, path, 400] > 50, f"hardly any {method} {path} was refused"
    assert {answer.status for answer in received} >= {200, 400, 404, 405}


def test_every_request_that_the_model_takes_is_accepted(target: "Target", tmp_path: Path) -> None:
    only = ("--mode", "positive", "--phases", "examples,fuzzing", "--include-method", "POST", "--max-examples", "50")
    received = answers(target, tmp_path, document_of_the_model(), *only, "--checks", "all")
    assert {answer.status for answer in received} == {200}
    assert len(received) >= 50
    assert len({answer.body for answer in received}) >= 20, "the requests differ little"
