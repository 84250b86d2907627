"""What the charts render from values that they take, a real API server takes; what it would not, they refuse.

Helm would tell of it only after other objects of the release have been made.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tools.manifests import read_all

from .chart_values import NAMESPACE, of_a_service, of_the_operator
from .control_plane import ControlPlane, Object, RefusedError, find_program
from .definitions import everything_published

pytestmark = pytest.mark.integration

CHARTS = Path(__file__).parents[3] / "charts"
LEAST: dict[str, Object] = {
    "paddle-serving-operator": {"crds": {"enabled": False}},
    "paddle-serving": {
        "model": {"digest": f"sha256:{'0' * 64}", "source": {"pvc": {"claimName": "models"}}},
        "resources": {"limits": {"cpu": 1, "memory": "1Gi"}},
    },
}


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    control_plane.request("post", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    with everything_published(control_plane):
        yield control_plane


class Paths:
    """Where the API server has objects, by its own discovery."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._known: dict[str, list[Object]] = {}

    def of(self, manifest: Object) -> str:
        """The path of one object."""
        version = manifest["apiVersion"]
        base = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if base not in self._known:
            self._known[base] = self._plane.request("get", base)["resources"]
        (found,) = (one for one in self._known[base] if one["kind"] == manifest["kind"] and "/" not in one["name"])
        within = f"/namespaces/{manifest['metadata']['namespace']}" if found["namespaced"] else ""
        return f"{base}{within}/{found['name']}/{manifest['metadata']['name']}"


def rendered(chart: str, values: Object) -> list[Object] | None:
    """The objects that Helm makes of the values, None where it refuses them."""
    schema = json.loads((CHARTS / chart / "values.schema.json").read_text())
    if not jsonschema.Draft7Validator(schema).is_valid(values):  # as Helm judges, in a hundredth of the time
        return None
    command = [str(find_program("helm")), "template", "ocr", str(CHARTS / chart), "--namespace", NAMESPACE]
    done = subprocess.run(
        [*command, "--values", "-"], input=json.dumps(values), capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        assert f"charts/{chart}: `" in done.stderr or f"charts/{chart}: with `" in done.stderr, done.stderr
        return None
    return list(read_all(done.stdout))


def merged(below: Any, above: Any) -> Any:  # noqa: ANN401 - any value of a tree
    """Two trees as Helm merges values: maps key by key, anything else is replaced."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return below | {key: merged(below.get(key), value) for key, value in above.items()}


class Judge:
    """What an API server says to objects that are applied as Helm 4 does; nothing is stored."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane, self._paths = plane, Paths(plane)
        self._said: dict[str, str] = {}

    def refusals(self, manifests: list[Object]) -> list[str]:
        """A line for each object that is refused, or in the way of another one."""
        names = [(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in manifests]
        twice = [f"{name} is there twice" for name in set(names) if names.count(name) > 1]
        defaults = [one["metadata"]["name"] for one in manifests if one.get("globalDefault")]
        many = [f"more than one default: {defaults}"] if len(defaults) > 1 else []
        return [*twice, *many, *filter(None, (self._applied(one) for one in manifests))]

    def _applied(self, manifest: Object) -> str:
        text = json.dumps(manifest, sort_keys=True)
        if text not in self._said:
            query = "dryRun=All&fieldManager=helm&force=true&fieldValidation=Strict"
            try:
                path = f"{self._paths.of(manifest)}?{query}"
                self._plane.request("patch", path, manifest, "application/apply-patch+yaml")
                self._said[text] = ""
            except RefusedError as error:
                made_before = "error looking up service account" in str(error)  # by the release, as its own hook
                self._said[text] = "" if made_before else str(error)
        return self._said[text]


@pytest.mark.by_hand
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("chart", "values"), [("paddle-serving-operator", of_the_operator), ("paddle-serving", of_a_service)]
)
def test_what_a_chart_takes_kubernetes_takes(
    cluster: ControlPlane, chart: str, values: Callable[[], Iterator[Object]]
) -> None:
    given = list(values())
    with ThreadPoolExecutor(2) as helms:
        made = list(helms.map(lambda one: rendered(chart, merged(LEAST[chart], one)), given))
    judge = Judge(cluster)
    faults = [
        f"{json.dumps(one)}: {said}"
        for one, manifests in zip(given, made, strict=True)
        if manifests is not None
        for said in judge.refusals(manifests)
    ]
    assert faults == []
    taken = sum(manifests is not None for manifests in made)
    assert min(taken, len(given) - taken) > 50  # values of both kinds


def test_what_kubernetes_refuses_is_seen(cluster: ControlPlane) -> None:
    (manifest, *_) = rendered("paddle-serving", LEAST["paddle-serving"]) or []
    manifest["metadata"]["labels"]["a b"] = "c"
    assert Judge(cluster).refusals([manifest]) != []
