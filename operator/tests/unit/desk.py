"""A hub with what it fills, and objects that a watch tells of."""

import time
from datetime import timedelta
from typing import Any, NamedTuple

from paddle_serving_operator.constants import LABEL_SERVICE, Manifest
from paddle_serving_operator.handlers.hub import Hub
from paddle_serving_operator.observe.mirror import Mirror
from paddle_serving_operator.reconcile.queue import Queue, Timing


class Desk(NamedTuple):
    """A hub, and what it fills."""

    hub: Hub
    mirror: Mirror
    queue: Queue

    def due(self) -> dict[str, str]:
        """Everything that is due, by namespace/name, with its causes; it is taken."""
        found = {}
        while turn := self.queue.take(timedelta(0)):
            found[turn.key.path()] = ", ".join(str(cause) for cause in turn.causes)
            self.queue.finished(turn.key)
        return found


def new_desk() -> Desk:
    """One that knows nothing."""
    mirror, queue = Mirror(time.monotonic), Queue(Timing(lambda: 0.0, lambda: 0.0))
    return Desk(Hub(mirror, queue), mirror, queue)


def made(name: str, version: int = 1, namespace: str = "default", **metadata: Any) -> Manifest:  # noqa: ANN401 - JSON
    given = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": given | metadata}


def child(name: str, version: int = 1, **metadata: Any) -> Manifest:  # noqa: ANN401 - JSON
    return made(name, version, labels={LABEL_SERVICE: "ocr"}, **metadata)
