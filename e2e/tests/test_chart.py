"""The chart of a model service: a release answers, and its own test can tell a right answer from a wrong one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.lib.cluster import ROOT, CommandFailed
from e2e.lib.given import example
from e2e.lib.reader import reader_of
from e2e.lib.service import KIND, Service
from e2e.lib.wait import Seen, minutes, wait_for
from tools.documents import commands

if TYPE_CHECKING:
    from e2e.lib.given import Given

pytestmark = pytest.mark.e2e

CHARTS, OCR = ROOT / "charts", ROOT / "examples" / "ocr-rec"
README = "charts/paddle-serving/README.md"
CHART = str(CHARTS / "paddle-serving")
VALUES = str(ROOT / "examples" / "ocr-rec-values.yaml")


def test_helm_test_passes_for_the_right_answer_and_fails_for_another(given: Given, tmp_path: Path) -> None:
    namespace, reader = given.namespace, reader_of(given.namespace, tmp_path)
    for name, target in {"charts": CHARTS, "my-values.yaml": Path(VALUES), "golden": OCR / "golden"}.items():
        (tmp_path / name).symlink_to(target)
    reader.types(commands(README, "helm install ocr"))
    (resource,) = namespace.list(KIND)
    assert resource["spec"]["model"] == {"name": "ocr-rec", **_image_model()}
    said = reader.types(commands(README, "helm upgrade ocr charts/paddle-serving -f my-values.yaml \\"))
    assert "Succeeded" in said

    other = json.dumps({"text": ["Goodbye Paddle"]})
    namespace.helm("upgrade", "ocr", CHART, "-f", VALUES, "--set-json", f"test.expect={other}")
    with pytest.raises(CommandFailed) as failed:
        namespace.helm("test", "ocr", "--timeout", "2m", "--logs")
    said = failed.value.stdout + failed.value.stderr
    assert "Goodbye Paddle" in said
    assert "Hello Paddle" in said

    # the release before still gives the right answer, and that is not what is asked
    namespace.helm("upgrade", "ocr", CHART, "-f", VALUES, "--set", f"model.digest=sha256:{'0' * 64}")
    with pytest.raises(CommandFailed) as failed:
        namespace.helm("test", "ocr", "--timeout", "3m", "--logs")
    assert "The rollout failed" in failed.value.stdout + failed.value.stderr


def test_uninstalling_the_release_takes_everything_with_it(given: Given) -> None:
    namespace = given.namespace
    namespace.helm("install", "ocr", CHART, "-f", VALUES)
    (resource,) = namespace.list(KIND)
    Service(namespace, resource, "ocr-rec").then.condition_becomes("ModelAvailable", "True", within=minutes(1))

    namespace.helm("uninstall", "ocr", "--wait")

    def look() -> Seen:
        kinds = "paddleservices,deployments,replicasets,pods,services,endpointslices,pdb,controllerrevisions"
        left = [f"{entry['kind']}/{entry['metadata']['name']}" for entry in namespace.list(kinds)]
        return Seen(not left, ", ".join(left))

    wait_for("nothing left of the release", look, within=minutes(1))


def _image_model() -> dict[str, object]:
    """source and digest of the example, with the defaults that the definition fills in."""
    model = example("ocr-rec")["spec"]["model"]
    image = {"path": "/model", "pullPolicy": "IfNotPresent", **model["source"]["image"]}
    return {"source": {"image": image}, "digest": model["digest"]}
