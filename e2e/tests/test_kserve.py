"""The container that examples/kserve describes, as KServe would start it. Needs a Docker engine, no cluster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import requests
import yaml

from e2e.lib.cluster import ROOT
from e2e.lib.container import container, example_package, require_images
from e2e.lib.pods import RUNTIME
from e2e.lib.standalone import open_folder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

NAME = "uci-housing"
MOUNTED = "/mnt/models"  # where KServe's storage initializer puts a model, read-only for the container
HOUSE = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 13], "data": [0.0] * 13}]}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_images(RUNTIME)
    return example_package(NAME, open_folder(tmp_path_factory, "kserve"))


def arguments() -> list[str]:
    """Those of the runtime and then of the service, with KServe's placeholder filled in."""
    folder = ROOT / "examples" / "kserve"
    (described,) = yaml.safe_load((folder / "clusterservingruntime.yaml").read_text())["spec"]["containers"]
    service = yaml.safe_load((folder / "inferenceservice.yaml").read_text())
    given = [*described["args"], *service["spec"]["predictor"]["model"]["args"]]
    return [text.replace("{{.Name}}", service["metadata"]["name"]) for text in given]


def test_a_package_is_served_from_a_read_only_mount_by_the_open_inference_protocol(package: Path) -> None:
    with container(*arguments(), package=package, at=MOUNTED) as served:
        served.is_ready()

        assert requests.get(f"{served.url(8080)}/v2/health/ready", timeout=60).json() == {"ready": True}
        answer = served.post(f"v2/models/{NAME}/infer", json.dumps(HOUSE).encode()).json()
        assert answer["model_name"] == NAME
        assert answer["outputs"][0]["shape"] == [1, 1]
        report = requests.get(f"{served.url(8081)}/report", timeout=60).json()
        assert report["verdict"] == "Recorded"


def test_another_package_than_the_reviewed_one_is_refused(package: Path) -> None:
    other = [text if not text.startswith("sha256:") else "sha256:" + "0" * 64 for text in arguments()]
    with container(*other, package=package, at=MOUNTED) as served:
        ended = served.has_ended()
    assert ended.code == 1
    assert "DigestMismatch" in ended.output
