"""The chart's role against the calls that the operator makes: nothing that is never used, nothing that is missing."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from e2e.ports import free_ports
from e2e.rights import Audit, Call, Right, audit
from paddle_serving_operator.constants import (
    AUTOSCALER,
    CONFIG_MAP,
    CONTROLLER_REVISION,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    GROUP,
    HTTP_ROUTE,
    LABEL_MANAGED_BY,
    SERVICE_ACCOUNT,
    Kind,
)
from paddle_serving_operator.kube.errors import KubeError

from .control_plane import RESTRICTED, ControlPlane
from .definitions import defined
from .faulty import Pods
from .gate import Gate
from .test_rights import give, rules_of_the_chart
from .world import World, digest, spec

pytestmark = pytest.mark.integration

GATEWAY = {"mode": "Gateway", "parentRefs": [{"name": "public"}]}
INDIRECT = frozenset({Right(GROUP, "paddleservices/finalizers", "update")})
"""Asked for by an admission plugin when an object is made that blocks its owner's end: no call shows it."""


class Operator:
    """Passes over the PaddleService `ocr` with the rights of the chart; every pod says what it proved."""

    def __init__(self, world: World, kubeconfig: Path) -> None:
        self._world = world
        self._once = world.reconciler(fetch=Pods(), kubeconfig=kubeconfig)

    def until_healthy(self) -> str:
        """Passes until the newest spec is Healthy; returns its revision."""

        def settled() -> bool:
            self.once()
            resource = self._world.resource("ocr")
            status = resource.get("status", {})
            newest = status.get("observedGeneration") == resource["metadata"]["generation"]
            return bool(newest and status["phase"] == "Healthy" and not status.get("leaving"))

        self._world.until("ocr is Healthy", settled)
        revision: str = self._world.status("ocr")["stable"]["revision"]
        return revision

    def until_failed(self) -> None:
        """Passes until the newest spec is refused."""

        def failed() -> bool:
            self.once()
            return bool(self._world.status("ocr").get("phase") == "Failed")

        self._world.until("ocr has failed", failed)

    def until_gone(self, kind: Kind, *names: str) -> None:
        """Passes until no object of the kind has one of these names, or until there is none."""

        def gone() -> bool:
            self.once()
            found = {
                item["metadata"]["name"] for item in self._world.every(kind) if "ownerReferences" in item["metadata"]
            }
            return not (found & set(names) if names else found)

        self._world.until(f"{kind.kind} {' '.join(names)} is gone", gone)

    def once(self) -> None:
        """One pass; what the queue would repeat is repeated by the next."""
        with suppress(KubeError):
            self._once("ocr")


@pytest.fixture
def routes(control_plane: ControlPlane) -> Iterator[None]:
    with defined(control_plane, *HTTP_ROUTE):
        yield


def audited(gate: Gate) -> Audit:
    """The role of the chart, with the page, beside what came through the gate."""
    calls = [Call(request.method, request.path, request.watches, status) for request, status in list(gate.answered)]
    return audit([*rules_of_the_chart(), *rules_of_the_chart("_page-rules.tpl")], calls, INDIRECT)


def bend(world: World, revision: str) -> None:
    """Somebody changes what is made by a creation, and else is never changed once it is there."""
    for kind, name in {DEPLOYMENT: f"ocr-{revision}", DISRUPTION_BUDGET: "ocr"}.items():
        world.patch(kind, name, {"metadata": {"labels": {LABEL_MANAGED_BY: "somebody"}}})


@pytest.mark.usefixtures("routes")
def test_the_operator_uses_every_right_of_its_role_and_needs_no_other(world: World, gate: Gate, tmp_path: Path) -> None:
    """A life in which it makes and deletes everything. The watches, and the page, are those of its process."""
    give(world, [*rules_of_the_chart(), *rules_of_the_chart("_page-rules.tpl")])
    kubeconfig = gate.kubeconfig(tmp_path / "kubeconfig", RESTRICTED)
    world.kubelet |= {digest("a"): "ready", digest("b"): "ready"}
    world.create("ocr", spec("a", traffic=GATEWAY, autoscaling={"maxReplicas": 3}, rollout={"revisionHistoryLimit": 0}))
    operator = Operator(world, kubeconfig)
    first = operator.until_healthy()
    bend(world, first)
    operator.once()

    world.change("ocr", traffic=None, autoscaling=None, disruption={"enabled": False})
    for kind in (HTTP_ROUTE, AUTOSCALER, DISRUPTION_BUDGET):
        operator.until_gone(kind)
    account = {"serviceAccount": {"name": "default"}}
    world.change("ocr", **spec("b", pod=account))
    operator.until_healthy()
    for kind in (CONTROLLER_REVISION, CONFIG_MAP):
        operator.until_gone(kind, f"ocr-{first}", f"ocr-{first}-report")
    operator.until_gone(SERVICE_ACCOUNT)
    # refused, so that its log is read
    world.kubelet[digest("c")] = "NotConsistent: hello.json differs"
    world.change("ocr", **spec("c", pod=account))
    operator.until_failed()

    page = {"PAGE_ENDPOINT": f"http://127.0.0.1:{free_ports(1)[0]}"}
    with world.operator(tmp_path / "process", kubeconfig=kubeconfig, settings=page):
        world.until("it watches", lambda: not any(right.verb == "watch" for right in audited(gate).unused))
    found = audited(gate)
    assert sorted(found.uncovered) == []
    assert sorted(found.unused) == []
