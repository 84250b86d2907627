"""Whatever goes wrong with the API server, a canary ends as it would have, and users notice nothing on the way."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from paddle_serving_operator.constants import (
    ANNOTATION_VERB,
    GROUP,
    LABEL_REVISION,
    OWNED_KINDS,
    PADDLE_SERVICE,
    POD,
    SERVICE,
)

from .control_plane import ControlPlane, Object
from .faulty import CHANGING, FAULTS, SENTENCE, Operator, Pods
from .gate import Answer, Expired, Fault, Gate, Request, Reset
from .world import World, digest, no_report, spec

pytestmark = pytest.mark.integration

REPLICAS = 2
STEPS = [{"weight": 30}, {"weight": 50, "pause": {}}, {"weight": 70}]
MOMENTS = {"lastTransitionTime", "since", "arrived", "progressStartedAt"}
WRITES = 30  # of two rollouts, at least


class Ends(NamedTuple):
    """How two rollouts ended: status and objects, as text, without the moments."""

    promoted: str
    rolled_back: str


class Moment(NamedTuple):
    """What was true at one moment: `ready` are pods by revision, `selected` what the traffic Service selects of them.

    `deployed` are the revisions that have a Deployment. A Service that selects no revision reaches all of them.
    """

    status: Object
    selected: str | None
    deployed: set[str]
    ready: Counter[str]

    @property
    def reached(self) -> set[str]:
        return self.deployed if self.selected is None else {self.selected}


class Life:
    """A PaddleService, whatever makes passes over it, and what must hold after every one of them.

    `once` makes a pass, or leaves time for one, and returns whether nothing went wrong in it.
    """

    def __init__(self, world: World, once: Callable[[], bool], **rollout: object) -> None:
        self.once, self._world = once, world
        self._rollout = {"strategy": "Canary", "steps": STEPS, **rollout}
        world.kubelet |= {digest("a"): "ready", digest("b"): "ready", digest("c"): "ready"}
        world.create("ocr", self._spec("a"))
        self._until("the first revision is Healthy", lambda: self._is("Healthy"))

    def both(self) -> Ends:
        """A revision that is promoted, and one that is rolled back."""
        return Ends(self._promoted(), self._rolled_back())

    def _spec(self, letter: str) -> Object:
        return spec(letter, replicas=REPLICAS, rollout=self._rollout)

    def _promoted(self) -> str:
        """The next revision through three steps, the second of which is held until somebody says `resume`."""
        self._world.change("ocr", **self._spec("b"))
        self._until("the second step is held", lambda: self._waits("2/3"))
        self._world.patch(PADDLE_SERVICE, "ocr", {"metadata": {"annotations": {ANNOTATION_VERB: "resume t1"}}})
        self._until("it is Healthy", lambda: self._is("Healthy"))
        return self._end()

    def _rolled_back(self) -> str:
        """One more, which is refuted in its second step."""
        self._world.change("ocr", **self._spec("c"))
        self._until("the second step is held", lambda: self._waits("2/3"))
        self._world.kubelet[digest("c")] = "NotConsistent: hello.json differs"
        self._until("the revision before has everything", self._is_restored)
        return self._end()

    def _is_restored(self) -> bool:
        """Also by the status, which may learn of the end of the candidate's pods long after this reads of it."""
        status = self._world.status("ocr")
        ready = status.get("readyReplicas") == len(self._world.pods()) == REPLICAS
        return ready and status["canary"]["replicas"] == 0 and self._is("Failed")

    def _until(self, what: str, holds: Callable[[], bool]) -> None:
        def held() -> bool:
            ended = self.once()
            self._check()
            return ended and holds()

        self._world.until(what, held)

    def _is(self, phase: str) -> bool:
        resource = self._world.resource("ocr")
        status = resource.get("status", {})
        newest = status.get("observedGeneration") == resource["metadata"]["generation"]
        return bool(newest and status["phase"] == phase and not status.get("leaving"))

    def _waits(self, step: str) -> bool:
        reason = self._world.condition("ocr", "Progressing").get("reason")
        return self._world.status("ocr").get("step") == step and reason == "WaitingForResume"

    def _check(self) -> None:
        """Promised pods answer, nothing is asked that the status does not name, and the status says what is."""
        if not self._world.status("ocr").get("stable"):
            return  # nobody has been promised anything
        moment = self._moment()
        status, reached = moment.status, moment.reached
        behind = sum(count for revision, count in moment.ready.items() if revision in reached)
        # the one pod that the candidate has in its second step is not the operator's to keep once it is refuted
        refuted = self._world.kubelet[digest("c")] != "ready"
        assert behind >= REPLICAS - refuted, f"{moment.ready} behind {reached}"
        assert reached <= {status[track]["revision"] for track in ("stable", "canary") if track in status}
        said = {item["type"]: item for item in status["conditions"]}["Progressing"]
        match status["phase"]:
            case "Healthy":
                assert reached == {status["stable"]["revision"]}
            case "Failed":
                assert said["reason"] == "NotConsistent"
                assert refuted
            case "Invalid":
                assert SENTENCE in said["message"]
            case _:
                pass

    def _moment(self) -> Moment:
        """Reads until nothing that the operator writes has changed around the list of pods.

        An operator that is a process of its own works on between two reads: a selector from before a switch and pods
        from after the end of those before were never true together.
        """
        found: list[Moment] = []

        def stood_still() -> bool:
            before, ready = self._written(), self._ready()
            found.append(Moment(*before, ready))
            return before == self._written()

        self._world.until("nothing changes between two reads", stood_still)
        return found[-1]

    def _written(self) -> tuple[Object, str | None, set[str]]:
        selected = self._world.get(SERVICE, "ocr")["spec"]["selector"].get(LABEL_REVISION)
        return self._world.status("ocr"), selected, self._world.deployments()

    def _ready(self) -> Counter[str]:
        """Ready pods that are not ending, by revision."""
        return Counter(
            pod["metadata"]["labels"][LABEL_REVISION]
            for pod in self._world.every(POD)
            if "deletionTimestamp" not in pod["metadata"]
            and any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", ()))
        )

    def _end(self) -> str:
        objects = {
            f"{kind.kind} {item['metadata']['name']}": _content(item)
            for kind in OWNED_KINDS
            for item in self._world.every(kind)
            if item["metadata"].get("ownerReferences")
        }
        text = yaml.safe_dump({"status": _timeless(self._world.status("ocr")), "objects": objects}, width=200)
        return CHANGING.sub("", text).replace(self._world.namespace, "NAMESPACE")


def _content(item: Object) -> Object:
    """What the operator has said of an object."""
    metadata = {name: item["metadata"].get(name) for name in ("name", "labels")}
    annotations = {name: value for name, value in item["metadata"].get("annotations", {}).items() if GROUP in name}
    said = {name: value for name, value in item.items() if name not in {"apiVersion", "kind", "metadata", "status"}}
    spec = {name: value for name, value in said.pop("spec", {}).items() if not name.startswith("clusterIP")}
    return said | {"spec": spec, "metadata": metadata | {"annotations": annotations}}


def _timeless(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {name: _timeless(one) for name, one in value.items() if name not in MOMENTS}
    return [_timeless(one) for one in value] if isinstance(value, list) else value


@contextmanager
def a_world(plane: ControlPlane) -> Iterator[World]:
    made = World(plane)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def calm(control_plane: ControlPlane) -> Ends:
    """How both rollouts end where nothing goes wrong."""
    with a_world(control_plane) as world:
        return Life(world, Operator(world, Pods()).once).both()


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_canary_whose_every_call_fails_once_ends_as_if_none_had(world: World, calm: Ends, fault: str) -> None:
    life = Life(world, Operator(world, Pods()).once)
    operator = Operator(world, Pods(), FAULTS[fault])
    life.once = operator.once
    ends = life.both()
    assert ends.promoted == calm.promoted
    assert ends.rolled_back == calm.rolled_back
    assert len(operator.hit_writes()) >= WRITES


class BadDay:
    """A rule of a gate: every watch is refused, cut and told that it is too old, and every write fails once."""

    def __init__(self) -> None:
        self._watches: dict[str, list[Fault]] = {}
        self._writes: set[tuple[str, str]] = set()
        self._refusals: list[Fault] = [Answer(409), Answer(429, SENTENCE, "1"), Answer(500), Reset()]
        self.left = 0

    def __call__(self, request: Request) -> Fault | None:
        if request.watches:
            faults = self._watches.setdefault(
                request.path, [Expired(), Answer(429, SENTENCE, "1"), Reset(), Answer(500)]
            )
            self.left = sum(len(left) for left in self._watches.values())
            return faults.pop() if faults else None
        write = (request.method, request.path)
        if request.reads or write in self._writes:
            return None
        self._writes.add(write)
        self._refusals.append(self._refusals.pop(0))
        return self._refusals[-1]


# by hand until it has passed fifteen times in a row beside other tests: it failed once in seven runs, when it compared
# a status that had not heard yet of the end of the candidate's pods, and read one thing after the other
@pytest.mark.by_hand
def test_a_canary_ends_the_same_where_every_watch_breaks_and_every_write_fails_once(
    world: World, gate: Gate, tmp_path: Path, control_plane: ControlPlane
) -> None:
    """The operator as a process; no pod of this cluster can be asked what it proved."""
    drift = {"mode": "Ignore"}
    with a_world(control_plane) as quiet:
        calm = Life(quiet, Operator(quiet, no_report).once, drift=drift).both()
    with world.operator(tmp_path, kubeconfig=gate.kubeconfig(tmp_path / "kubeconfig")):
        life = Life(world, lambda: True, drift=drift)
        gate.rule = day = BadDay()
        gate.cut()
        ends = life.both()
        # a watch that was refused waits for some seconds, in which two rollouts may come to their end
        world.until("every watch has broken in every way", lambda: day.left == 0)
    assert ends.promoted == calm.promoted
    assert ends.rolled_back == calm.rolled_back
