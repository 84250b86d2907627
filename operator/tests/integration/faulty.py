"""An API server of which every call goes wrong once before it succeeds, and an operator that has to live with it."""

import itertools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self, TypeAlias

from paddle_serving_operator.constants import EVENT, PADDLE_SERVICE, POD, Kind, Manifest
from paddle_serving_operator.kube.budget import Budget
from paddle_serving_operator.kube.errors import KubeError, NotFound, error_of
from paddle_serving_operator.kube.rest import RestCluster
from paddle_serving_operator.observe.reports import Fetch

from .spy import Killed
from .world import World

Call: TypeAlias = tuple[str, str, str]
READS = frozenset({"get", "list", "log"})
SENTENCE = "a fault of the test"
TIME, VERSION = r"\d{4}-\d{2}-\d{2}T[\d:.]+Z", r'"resourceVersion": "\d+"'
NAME, UID = r"ocr-[0-9a-f]{10}-[0-9a-z]+-[0-9a-z]{5}", r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
CHANGING = re.compile(f"{TIME}|{VERSION}|{NAME}|{UID}")  # what is another each time: moments, names of pods
DRIFT = {"samples": "Golden", "asked": 3, "different": 1, "missing": 0, "complete": True}
REPORT = {"verdict": "Recorded", "samples": 3, "recorded": 3, "paddleVersion": "3.3.1"}


class Pods:
    """The admin ports: every pod has proved all, and those that were asked to compare say what came of it."""

    def __init__(self) -> None:
        self._compared: set[str] = set()

    def __call__(self, url: str, body: Mapping[str, object] | None = None) -> bytes:
        pod = url.rpartition("/")[0]
        if body is not None:
            self._compared.add(pod)
            return json.dumps(DRIFT).encode()
        return json.dumps(REPORT | {"drift": DRIFT if pod in self._compared else None}).encode()


class Fault(NamedTuple):
    """What happens to a call: one of these errors in turn, before it is carried out or after; `reads`: to reads, too.

    `always`: whenever it is made, and not the first time alone.
    """

    errors: tuple[Callable[[str], BaseException], ...]
    after: bool = False
    reads: bool = True
    always: bool = False


def answers(*statuses: int | None) -> tuple[Callable[[str], BaseException], ...]:
    """The errors of these HTTP statuses; None: no answer."""
    return tuple(lambda call, status=status: error_of(status, f"{call}: {SENTENCE}") for status in statuses)


FAULTS = {
    "killed after every write": Fault((Killed,), after=True, reads=False, always=True),
    "killed before every write": Fault((Killed,), reads=False),
    "409 and 410": Fault(answers(409, 410)),
    "422": Fault(answers(422)),
    "429, 500 and no answer": Fault(answers(429, 500, None)),
    "500 and no answer although it was done": Fault(answers(500, None), after=True, reads=False),
}


class Faulty:
    """A cluster with a fault. `met` are the calls that it has hit; they are let through from then on.

    A write is the same again where it has the same content, apart from what is another each time; a read where the
    rollout is in the same stage.
    """

    def __init__(self, cluster: RestCluster, fault: Fault | None, met: set[Call]) -> None:
        self._cluster, self._fault, self._met = cluster, fault, met
        self._errors = itertools.cycle(fault.errors if fault else ())
        self._stage = ""

    def within(self, budget: Budget) -> Self:
        self._cluster = self._cluster.within(budget)
        return self

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        self._read("get", kind, name)
        found = self._cluster.get(kind, namespace, name)
        if kind == PADDLE_SERVICE and found is not None:
            self._stage = found.get("status", {}).get("rollout", {}).get("stage", "")
        return found

    def list(self, kind: Kind, namespace: str, selector: str) -> list[Manifest]:
        self._read("list", kind, selector)
        return self._cluster.list(kind, namespace, selector)

    def log(self, _namespace: str, pod: str, container: str, *, previous: bool) -> str:
        """No kubelet is here that has one."""
        self._read("log", POD, f"{container} {previous}")
        raise NotFound(f"log {pod}: there is no kubelet")

    def _read(self, verb: str, kind: Kind, what: str) -> None:
        if self._fault is not None and self._fault.reads:
            self._hit(self._fault, (verb, kind.kind, f"{what} {self._stage}"))

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        def write(kind: Kind, namespace: str, *arguments: Any) -> Any:  # noqa: ANN401 - passed on
            fault = self._fault if kind != EVENT else None  # an event that is not written is a warning in the log
            call = (verb, kind.kind, CHANGING.sub("", json.dumps(arguments, sort_keys=True)))
            if fault is not None and not fault.after:
                self._hit(fault, call)
            answer = getattr(self._cluster, verb)(kind, namespace, *arguments)
            if fault is not None and fault.after:
                self._hit(fault, call)
            return answer

        return write

    def _hit(self, fault: Fault, call: Call) -> None:
        if fault.always or call not in self._met:
            self._met.add(call)
            raise next(self._errors)(" ".join(call[:2]))


class Operator:
    """Passes over the PaddleService `ocr` in which calls fail; after one that kills it the next knows nothing."""

    def __init__(self, world: World, fetch: Fetch, fault: Fault | None = None) -> None:
        self._world, self._fetch, self._fault = world, fetch, fault
        self._met: set[Call] = set()
        self._once = self._born()

    def _born(self) -> Callable[[str], None]:
        return self._world.reconciler(lambda cluster: Faulty(cluster, self._fault, self._met), self._fetch)

    def once(self) -> bool:
        """One pass. Returns whether it came to its end."""
        try:
            self._once("ocr")
        except Killed:
            self._once = self._born()
        except KubeError:
            pass  # the queue repeats it
        else:
            return True
        return False

    def hit_writes(self) -> list[Call]:
        """The writes that failed."""
        return [call for call in self._met if call[0] not in READS]
