"""A real API server takes what the charts make without a warning; kinds of other projects are as they publish them."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.documents import command, commands

from .control_plane import ControlPlane, find_program
from .definitions import everything_published
from .reader import reader_of

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
SCENARIOS = sorted((ROOT / "charts").glob("*/ci/*-values.yaml"))
NAMESPACES = ("paddle-system", "team-vision", "team-text")
WARN = {"pod-security.kubernetes.io/warn": "restricted"}


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """With the scenarios' namespaces, which warn of pods that are not `restricted`, and with every published kind."""
    for name in NAMESPACES:
        control_plane.request("post", "/api/v1/namespaces", {"metadata": {"name": name, "labels": WARN}})
    with everything_published(control_plane):
        yield control_plane


def created(cluster: ControlPlane, manifests: str) -> subprocess.CompletedProcess[str]:
    """What the API server says to the manifests with strict validation; nothing is stored."""
    command = [str(find_program("kubectl")), "create", "--dry-run=server", "--validate=strict", "--filename", "-"]
    environment = os.environ | {"KUBECONFIG": str(cluster.kubeconfig)}
    return subprocess.run(
        command, env=environment, input=manifests, capture_output=True, text=True, check=False, timeout=120
    )


def rendered(values: Path) -> str:
    """The manifests of a scenario; the definition of PaddleService is there already."""
    chart = values.parents[1]
    own = ("--set", "crds.enabled=false") if chart.name == "paddle-serving-operator" else ()
    command = [str(find_program("helm")), "template", "ocr", str(chart), "--namespace", NAMESPACES[0], "--no-hooks"]
    done = subprocess.run(
        [*command, "--values", str(values), *own], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


@pytest.mark.parametrize("values", SCENARIOS, ids=[f"{file.parts[-3]}-{file.stem}" for file in SCENARIOS])
def test_every_scenario_is_taken_without_a_warning(cluster: ControlPlane, values: Path) -> None:
    answer = created(cluster, rendered(values))
    assert answer.stderr == ""
    assert answer.returncode == 0
    assert "(server dry run)" in answer.stdout


def test_the_runtime_and_the_service_for_kserve_are_taken_without_a_warning(cluster: ControlPlane) -> None:
    files = sorted((ROOT / "examples" / "kserve").glob("*.yaml"))
    manifests = [file.read_text() for file in files]
    answer = created(cluster, "---\n".join(manifests))
    assert answer.stderr == ""
    assert len(answer.stdout.splitlines()) == len(files) == 2


def test_a_service_for_kserve_is_applied_and_waited_for(cluster: ControlPlane, tmp_path: Path) -> None:
    reader = reader_of(cluster, NAMESPACES[1], tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    runtime = reader.types(commands("docs/kserve.md", "Install"))
    assert runtime == "clusterservingruntime.serving.kserve.io/paddle-serving serverside-applied\n"
    reader.types(command("docs/kserve.md", "kubectl apply -f examples/kserve/inferenceservice.yaml"))
    # in the place of KServe's controller
    path = f"/apis/serving.kserve.io/v1beta1/namespaces/{NAMESPACES[1]}/inferenceservices/uci-housing/status"
    status = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    cluster.request("patch", path, status, "application/merge-patch+json")
    waited = reader.types(command("docs/kserve.md", "kubectl wait inferenceservice/uci-housing"))
    assert waited == "inferenceservice.serving.kserve.io/uci-housing condition met\n"


def test_a_warning_would_be_seen(cluster: ControlPlane) -> None:
    values = ROOT / "charts" / "paddle-serving-operator" / "ci" / "default-values.yaml"
    loose = rendered(values).replace("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true")
    assert "Warning: would violate PodSecurity" in created(cluster, loose).stderr
