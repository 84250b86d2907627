"""How soon an operator that runs does what it is told: verbs, and the first share of a canary after its proof.

A real operator process on a real API server and etcd; no kubelet, so that nothing else is in the figures: this program
says when a pod is Ready. Run it as `make bench-reaction` does, with the operator's tests on the path.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.integration.control_plane import ControlPlane  # type: ignore[import-not-found]
from tests.integration.world import World, pod_status, spec  # type: ignore[import-not-found]

from benchmarks.reaction_table import FIRST_SHARE
from benchmarks.results import Results, arguments, output_of
from paddle_serving_operator.constants import (
    ANNOTATION_VERB,
    ENDPOINT_SLICE,
    LABEL_REVISION,
    LABEL_SERVICE_NAME,
    PADDLE_SERVICE,
    POD,
    SERVICE,
)

NAME = "ocr"
STEPS = {"strategy": "Canary", "steps": [{"weight": 50, "pause": {}}], "drift": {"mode": "Off"}}
_LOOK_SECONDS = 0.01
_WAIT_SECONDS = 120.0
_tokens = itertools.count(1)


def digest(number: int) -> str:
    """Another model for every round."""
    return f"sha256:{number:064x}"


def after(began: float, what: str, holds: Callable[[], object]) -> float:
    """Seconds from then until it holds. Raises TimeoutError after two minutes."""
    while not holds():
        if time.monotonic() - began > _WAIT_SECONDS:
            raise TimeoutError(f"not within {_WAIT_SECONDS:.0f} s: {what}")
        time.sleep(_LOOK_SECONDS)
    return time.monotonic() - began


def rollout(world: World) -> dict[str, Any]:
    """What the status says of it."""
    found: dict[str, Any] = world.status(NAME).get("rollout", {})
    return found


def ordered(world: World, verb: str) -> float:
    """Seconds from sending the annotation until the status shows what the verb does."""
    shows: dict[str, Callable[[], object]] = {
        "pause": lambda: rollout(world).get("held"),
        "resume": lambda: not rollout(world).get("held"),
        "abort": lambda: rollout(world)["stage"] in {"Retreating", "Halted"},
    }
    began = time.monotonic()
    order = f"{verb} {next(_tokens)}"
    world.patch(PADDLE_SERVICE, NAME, {"metadata": {"annotations": {ANNOTATION_VERB: order}}})
    return after(began, f"{verb} shows", shows[verb])


def proved(world: World, model: str, number: int) -> float:
    """Makes the candidate's first pod Ready; seconds from then until the Service leads to it."""
    candidate = rollout(world)["candidate"]
    (pod,) = (item for item in world.pods() if item["metadata"]["labels"][LABEL_REVISION] == candidate)
    name = pod["metadata"]["name"]
    world.patch(POD, f"{name}/status", {"status": pod_status("ready", 200 + number % 50)})
    began = time.monotonic()
    world.kubelet[model] = "ready"  # so are the pods that come later
    return after(began, "the first share", lambda: leads_to(world, name))


def leads_to(world: World, pod: str) -> bool:
    """Whether the Service selects every revision, and the pod is one of its endpoints."""
    if LABEL_REVISION in world.get(SERVICE, NAME)["spec"]["selector"]:
        return False
    slices = [item for item in world.every(ENDPOINT_SLICE) if item["metadata"]["labels"][LABEL_SERVICE_NAME] == NAME]
    targets = [endpoint.get("targetRef", {}) for item in slices for endpoint in item.get("endpoints") or ()]
    return any(target.get("name") == pod for target in targets)


def measure(world: World, number: int) -> Iterator[tuple[str, float]]:
    """One canary, which is aborted in its step."""
    model = digest(number)
    world.change(NAME, model={"digest": model})
    world.until("the candidate has a pod", lambda: rollout(world).get("stage") == "Verifying" and bound(world))
    for verb in ("pause", "resume"):
        yield verb, ordered(world, verb)
    yield FIRST_SHARE, proved(world, model, number)
    yield "abort", ordered(world, "abort")
    world.until("it is stopped and its pods are gone", lambda: is_over(world))


def bound(world: World) -> bool:
    """Whether the candidate's first pod exists and has a node."""
    candidate = rollout(world).get("candidate")
    pods = [pod for pod in world.pods() if pod["metadata"]["labels"][LABEL_REVISION] == candidate]
    return len(pods) == 1 and "nodeName" in pods[0]["spec"]


def is_over(world: World) -> bool:
    """Whether only the stable revision is left."""
    stable = rollout(world).get("stable")
    gone = all(pod["metadata"]["labels"][LABEL_REVISION] == stable for pod in world.pods())
    return rollout(world).get("stage") == "Halted" and gone


@contextmanager
def served(folder: Path) -> Iterator[World]:
    """A namespace with a service that is Healthy, and an operator that runs."""
    (folder / "plane").mkdir()
    plane = ControlPlane(folder / "plane")
    try:
        plane.start()
        world = World(plane)
        world.kubelet[digest(0)] = "ready"
        world.create(NAME, spec(rollout=STEPS) | {"model": spec()["model"] | {"digest": digest(0)}})
        with world.operator(folder / "operator"):
            world.healthy(NAME)
            yield world
        world.close()
    finally:
        plane.stop()


def main() -> int:
    """Measures all rounds; exit status 1 where something failed."""
    parser = arguments("reaction", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=20, help="canaries")
    options = parser.parse_args()
    repeat = 2 if options.quick else options.repeat
    results = Results("reaction", {"repeat": repeat}, output_of("reaction", options), fresh=True)
    with TemporaryDirectory() as folder, served(Path(folder)) as world:
        for number in range(1, repeat + 1):
            try:
                for what, seconds in measure(world, number):
                    results.put(f"{what} {number}", {"what": what, "turn": number, "seconds": round(seconds, 3)})
                    results.say(f"{number}: {what} {seconds:.3f} s")
            except TimeoutError as error:
                results.fail({"turn": number}, error)
                break
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
