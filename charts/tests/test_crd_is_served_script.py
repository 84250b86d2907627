"""The script with which `helm test` checks the operator's installation, run here against a make-believe API server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from charts.tests.scripts import Outcome, Server, run

if TYPE_CHECKING:
    from charts.tests.conftest import Manifest

CHARTS = Path(__file__).resolve().parents[1]
CRD_IS_SERVED = CHARTS / "paddle-serving-operator" / "files" / "tests" / "crd_is_served.py"


@dataclass
class Definition:
    """An API server's answers to PaddleServices as a dry run, by the schema of the definition, or in some trouble."""

    schema: Manifest
    trouble: str = ""

    def respond(self, request: Manifest) -> tuple[int, bytes]:
        if self.trouble == "not served":
            return 404, b'{"reason": "NotFound"}'
        if self.trouble == "forbidden":
            return 403, b'{"reason": "Forbidden"}'
        errors = list(jsonschema.Draft7Validator(self.schema).iter_errors(request))
        if errors and self.trouble != "accepts everything":
            unknown = any(error.validator == "additionalProperties" for error in errors)
            return (400 if unknown else 422), b'{"reason": "Invalid"}'
        defaults = {} if self.trouble == "no defaults" else {"runtime": "cpu"}
        return 201, json.dumps(request | {"spec": defaults | request["spec"]}).encode()


@pytest.fixture
def definition(strict_schema: Manifest) -> Definition:
    return Definition(strict_schema)


@pytest.fixture
def api(definition: Definition) -> Iterator[Server]:
    made = Server(definition.respond)
    made.start()
    yield made
    made.stop()


def check_crd(api: Server, folder: Path) -> Outcome:
    context = {"name": "test", "context": {"cluster": "test", "user": "test"}}
    kubeconfig = {
        "clusters": [{"name": "test", "cluster": {"server": api.url}}],
        "users": [{"name": "test", "user": {}}],
        "contexts": [context],
        "current-context": "test",
    }
    file = folder / "kubeconfig"
    file.write_text(json.dumps(kubeconfig))
    return run(CRD_IS_SERVED, KUBECONFIG=str(file), TEST_NAMESPACE="paddle-system", TEST_TIMEOUT_SECONDS="0.1")


def test_a_served_definition_passes_without_storing_anything(api: Server, tmp_path: Path) -> None:
    outcome = check_crd(api, tmp_path)
    assert outcome.status == 0, outcome.said
    assert "PaddleServices can be created in namespace paddle-system; wrong ones are refused." in outcome.said
    path = "/apis/serving.paddlepaddle.org/v1alpha1/namespaces/paddle-system/paddleservices"
    assert {asked for asked, _ in api.asked} == {f"{path}?dryRun=All&fieldValidation=Strict"}
    assert len(api.asked) == 3


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ("not served", "is not served. Install the chart with crds.enabled=true"),
        ("forbidden", "A correct PaddleService is refused: 403"),
        ("no defaults", "Defaults are not filled in"),
        ("accepts everything", "A PaddleService with a digest that is none is accepted"),
    ],
)
def test_a_definition_that_does_not_work_fails_with_a_sentence(
    api: Server, definition: Definition, tmp_path: Path, trouble: str, message: str
) -> None:
    definition.trouble = trouble
    outcome = check_crd(api, tmp_path)
    assert outcome.status == 1
    assert message in outcome.said
    assert "Traceback" not in outcome.said
