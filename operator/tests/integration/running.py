"""The operator in the test's own process: real watches through a gate, and passes that the test makes one by one."""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest import mock

from kubernetes import client, config

from paddle_serving_operator.handlers.hub import Hub
from paddle_serving_operator.handlers.watches import GROUPS, Group, Watches
from paddle_serving_operator.kube.rest import RestCluster
from paddle_serving_operator.observe.audits import Audits
from paddle_serving_operator.observe.mirror import WATCHED_KINDS, Mirror
from paddle_serving_operator.observe.reports import Reports
from paddle_serving_operator.observe.sampling import Sampler
from paddle_serving_operator.reconcile.observer import Observer
from paddle_serving_operator.reconcile.queue import Queue, Timing, Turn
from paddle_serving_operator.reconcile.reconciler import Reconciler
from paddle_serving_operator.reconcile.tally import Tally
from paddle_serving_operator.reconcile.workers import Workers
from paddle_serving_operator.recorder import Unrecorded

from .gate import Gate, Request
from .world import World, no_report

CALM = timedelta(seconds=1)  # without news for so long, a service has come to rest
WAIT_SECONDS = 60.0


def cluster_of(kubeconfig: Path) -> RestCluster:
    """The API server of a kubeconfig."""
    configuration = client.Configuration()
    config.load_kube_config(config_file=str(kubeconfig), client_configuration=configuration)  # type: ignore[no-untyped-call]
    return RestCluster(configuration, connections=2, recorder=Unrecorded())


def proved(url: str, body: Mapping[str, object] | None = None) -> bytes:
    """The report of a pod that has proved everything."""
    del url, body
    return json.dumps({"verdict": "Recorded", "samples": 3, "recorded": 3, "paddleVersion": "3.3.1"}).encode()


class Running:
    """Watches that fill mirror and queue; `turn`, `rest` and `until` work on the queue in the caller's thread."""

    def __init__(self, world: World, gate: Gate, groups: Sequence[Group]) -> None:
        self.world, self.gate = world, gate
        self._ahead = 0.0
        timing = Timing(clock=self.clock, jitter=lambda: 0.0)
        self.mirror, self.queue = Mirror(time.monotonic), Queue(timing)
        cluster = cluster_of(Path(os.environ["KUBECONFIG"]))
        observer, tally = Observer(Reports(proved), Sampler(no_report), Audits(no_report)), Tally(Unrecorded())
        reconciler = Reconciler(cluster, self.mirror, world.settings(), observer, tally)
        self.workers = Workers(self.queue, reconciler.reconcile, 1, timing, Unrecorded())
        # past the gate: whether the Gateway API has come is asked once a minute, and no call of a pass
        knows = cluster_of(world.plane.kubeconfig).serves
        self.watches = Watches([world.namespace], Hub(self.mirror, self.queue), knows, groups)

    def clock(self) -> float:
        """Seconds, of which `skip` leaves some out."""
        return time.monotonic() + self._ahead

    def skip(self, seconds: float) -> None:
        """As if so much time had passed."""
        self._ahead += seconds

    def turn(self, within: timedelta = CALM) -> Turn | None:
        """One pass over what is due or becomes due, None where nothing does."""
        turn = self.queue.take(within)
        if turn is not None:
            self.workers.work(turn)
        return turn

    def rest(self) -> None:
        """Passes until nothing happens any more."""
        deadline = time.monotonic() + WAIT_SECONDS
        causes: list[str] = []
        while (turn := self.turn()) is not None:
            causes += [str(cause) for cause in turn.causes]
            late = f"still at work after {WAIT_SECONDS:g} s; the last causes: {', '.join(causes[-9:])}"
            assert time.monotonic() < deadline, f"{late}\n{self.world.describe()}"

    def healthy(self, name: str) -> str:
        """Passes until the newest spec is Healthy and nothing happens any more; returns its revision."""

        def is_healthy() -> bool:
            self.turn()
            resource = self.world.resource(name)
            status = resource.get("status", {})
            newest = status.get("observedGeneration") == resource["metadata"]["generation"]
            return bool(newest and status.get("phase") == "Healthy")

        self.world.until(f"{name} is Healthy", is_healthy)
        self.rest()
        revision: str = self.world.status(name)["stable"]["revision"]
        return revision

    def calls(self) -> list[Request]:
        """What the operator has asked the API server since the last look, watches apart."""
        requests, self.gate.requests = self.gate.requests, []
        return [request for request in requests if not request.watches]


@contextmanager
def running(world: World, gate: Gate, folder: Path, groups: Sequence[Group] = GROUPS) -> Iterator[Running]:
    """Starts the watches of these groups of kinds, and ends them."""
    kubeconfig = str(gate.kubeconfig(folder / "kubeconfig"))
    with mock.patch.dict(os.environ, {"KUBECONFIG": kubeconfig}):
        made = Running(world, gate, groups)
        made.watches.start()
        try:
            lists = [(kind, world.namespace) for kind in WATCHED_KINDS]
            assert made.mirror.wait(lists, WAIT_SECONDS), "the watches have not begun"
            yield made
        finally:
            made.watches.stop()
