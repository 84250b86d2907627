"""The chart of a model service leaves the number of pods to whoever has changed it, with Helm 3 and Helm 4."""

import itertools
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .control_plane import ControlPlane, find_program

CHART = Path(__file__).parents[3] / "charts" / "paddle-serving"
VALUES = CHART / "ci" / "default-values.yaml"
AUTOSCALED = "autoscaling.maxReplicas=10"
Run = Callable[..., None]
numbers = itertools.count(1)


@pytest.fixture(params=["helm", "helm4"])
def namespace(request: pytest.FixtureRequest, control_plane: ControlPlane) -> str:
    """A namespace for this Helm."""
    name = f"{request.param}-{next(numbers)}"
    control_plane.request("post", "/api/v1/namespaces", {"metadata": {"name": name}})
    return name


@pytest.fixture
def run(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Run:
    """Runs kubectl, or the Helm of the namespace with the chart; the test fails where that does."""
    environment = os.environ | {"KUBECONFIG": str(control_plane.kubeconfig)}
    environment |= {f"HELM_{kind}_HOME": str(tmp_path) for kind in ("CACHE", "CONFIG", "DATA")}

    def call(verb: str, *arguments: str) -> None:
        helm = verb in {"install", "upgrade"}
        program = find_program(namespace.partition("-")[0] if helm else "kubectl")
        chart = ["ocr", str(CHART), "--values", str(VALUES)] if helm else []
        command = [str(program), verb, *chart, "--namespace", namespace, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr

    return call


def replicas(control_plane: ControlPlane, namespace: str) -> int:
    path = f"/apis/serving.paddlepaddle.org/v1alpha1/namespaces/{namespace}/paddleservices/ocr"
    count: int = control_plane.request("get", path)["spec"]["replicas"]
    return count


@pytest.mark.integration
def test_upgrades_keep_the_number_of_pods_unless_they_ask_for_another(
    run: Run, control_plane: ControlPlane, namespace: str
) -> None:
    seen: list[int] = []

    def then() -> None:
        seen.append(replicas(control_plane, namespace))

    run("install", "--set", "replicas=3")
    then()
    run("upgrade", "--set", "replicas=2")  # nobody has scaled: the values decide
    then()
    run("scale", "paddleservice/ocr", "--replicas=5")
    run("upgrade", "--set", "replicas=2,runtime=gpu")
    then()
    run("upgrade", "--set", "replicas=null")
    then()
    run("scale", "paddleservice/ocr", "--replicas=4")
    run("upgrade", "--set", "replicas=null,runtime=gpu")
    then()
    assert seen == [3, 2, 5, 5, 4]


@pytest.mark.integration
def test_with_an_autoscaler_upgrades_keep_its_number(run: Run, control_plane: ControlPlane, namespace: str) -> None:
    seen: list[int] = []

    def then() -> None:
        seen.append(replicas(control_plane, namespace))

    run("install", "--set", AUTOSCALED)
    then()
    run("scale", "paddleservice/ocr", "--replicas=6")  # through the scale subresource, as an autoscaler does
    for runtime in ("gpu", "cpu", "gpu"):
        run("upgrade", "--set", f"{AUTOSCALED},runtime={runtime}")
        then()
    run("scale", "paddleservice/ocr", "--replicas=4")
    run("upgrade", "--set", AUTOSCALED)
    then()
    assert seen == [1, 6, 6, 6, 4]


@pytest.mark.integration
@pytest.mark.parametrize("before", ["replicas=3", "replicas=null"])
def test_an_autoscaler_takes_over_the_number_that_there_is(
    run: Run, control_plane: ControlPlane, namespace: str, before: str
) -> None:
    run("install", "--set", before)
    run("scale", "paddleservice/ocr", "--replicas=5")
    for runtime in ("cpu", "gpu"):
        run("upgrade", "--set", f"{AUTOSCALED},runtime={runtime}")
        assert replicas(control_plane, namespace) == 5
