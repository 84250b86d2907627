"""What the cluster itself takes for the objects of PaddleServices: the same objects, made by hand, and no operator.

An operator can be no faster than this: the API server, its controllers, the scheduler and the kubelets are at work for
a Deployment, its Services and its pod whoever makes them. By hand there is less of it: the Services select the pods
from the beginning, nobody is told anything, and no status is written.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.operator_copies import Objects, plain, renamed
from benchmarks.operator_world import CREATORS, LOOK_SECONDS, PATIENCE_SECONDS, Crowd, after, used
from paddle_serving_operator.constants import OWNED_KINDS
from paddle_serving_operator.desired.names import service_selector


def objects_of(crowd: Crowd, key: str) -> Objects:
    """What the operator has made for one PaddleService, as somebody could have made it, in the order of the kinds."""
    world, selector = crowd.world_of(key), f"?labelSelector={service_selector(key.partition('/')[2])}"
    found = [(kind, world.plane.request("get", world.path(kind) + selector)["items"]) for kind in OWNED_KINDS]
    return [(kind, plain(item)) for kind, items in found for item in items]


def by_hand(crowd: Crowd, first: str, count: int) -> dict[str, Any]:
    """Makes the objects of `first` so many times. Returns the row: until every Deployment has its pod, and the CPU."""
    objects, old = objects_of(crowd, first), first.partition("/")[2]
    worlds = crowd.in_turn(count)
    wanted = {f"{world.namespace}/by-hand-{number}" for number, world in enumerate(worlds)}

    def make(number: int) -> None:
        for kind, manifest in renamed(objects, old, f"by-hand-{number}"):
            worlds[number].post(kind, manifest)

    def available() -> dict[str, float]:
        seen = crowd.deployments.seen()
        return {
            key: sight.at
            for key, sight in seen.items()
            if key.rpartition("-")[0] in wanted and (sight.object.get("status") or {}).get("availableReplicas")
        }

    before, began = crowd.seconds(), time.monotonic()
    with ThreadPoolExecutor(CREATORS) as pool:
        list(pool.map(make, range(count)))
    created = time.monotonic() - began

    def said() -> str:
        return f"{len(available())} of {count} Deployments are available"

    after(PATIENCE_SECONDS, said, lambda: len(available()) == count, LOOK_SECONDS)
    return {
        "what": "by hand",
        "seconds": round(max(available().values()) - began, 1),
        "created_seconds": round(created, 1),
        "cpu_seconds": used(before, crowd.seconds()),
        "objects": len(objects),
    }
