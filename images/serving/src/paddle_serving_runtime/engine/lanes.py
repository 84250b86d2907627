"""Lanes for the requests of a run: every one with Ops of its own, which are deep copies of those that are ready."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from resource import getpagesize
from sys import getsizeof
from typing import Any

from typing_extensions import override

from paddle_serving_runtime.engine.packing import packer
from paddle_serving_runtime.engine.passage import Lane
from paddle_serving_runtime.engine.step import OpStep
from paddle_serving_runtime.engine.unpacking import unpacker
from paddle_serving_runtime.graph import Graph
from paddle_serving_runtime.words import named

MOST_BYTES = 64 << 20
"""What the copies of all Ops may take in a worker. Most Ops have a list of names: some KB."""

_NOT_COPIED = ("_for_init_op_lock", "_for_close_op_lock", "_local_service_handler")
"""What the stock Op has for its own server. Nothing here uses it, and a lock has no copy."""


class NotSharedError(Exception):
    """Why the requests of a service share no runs."""


class _Copied(dict[int, Any]):
    """What deepcopy has copied so far. Ends the copy at what there must not be twice, or not so much of it."""

    def __init__(self, known: Mapping[int, Any], most_bytes: int) -> None:
        super().__init__(known)
        self._left = most_bytes

    @override
    def __setitem__(self, key: int, value: object) -> None:
        """Raises NotSharedError. An object comes here before its attributes do, so that its end ends nothing yet."""
        if hasattr(type(value), "__del__"):
            kind = type(value).__qualname__
            raise NotSharedError(f"an Op has an object of the class {kind}, whose __del__ would end what copies share")
        self._left -= getsizeof(value)
        if self._left < 0:
            raise NotSharedError(f"a copy of its Ops takes more than {MOST_BYTES >> 20} MiB")
        super().__setitem__(key, value)


def copies(graph: Graph, lane: Lane, number: int) -> list[Lane]:
    """So many lanes like this one. Raises NotSharedError where an Op cannot be copied, or is too large for it."""
    if not number:
        return []
    before = _resident_bytes()
    made = [_copy(graph, lane)]
    needed = (_resident_bytes() - before) * number
    if needed > MOST_BYTES:
        raise NotSharedError(f"copies of its Ops for {number} more requests take {needed >> 20} MiB")
    return made + [_copy(graph, lane) for _ in range(number - 1)]


def _copy(graph: Graph, lane: Lane) -> Lane:
    own: list[Any] = [graph.request_op, graph.response_op, *(node.op for node in graph.nodes)]
    connected = [op for one in own[1:] for op in (one, *one.get_input_ops())]
    shared = {id(value): value for op in connected for name, value in vars(op).items() if name in _NOT_COPIED}
    try:
        request_op, response_op, *ops = deepcopy(own, _Copied(shared, MOST_BYTES))
    except NotSharedError:
        raise
    except Exception as error:
        raise NotSharedError(f"its Ops cannot be copied for each of the requests of a run: {named(error)}") from error
    steps = {}
    for node, op in zip(graph.nodes, ops, strict=True):
        step = lane.steps[node.name]
        steps[node.name] = step.around(op) if isinstance(step, OpStep) else step
    copied = replace(graph, request_op=request_op, response_op=response_op)
    return Lane(steps, unpacker(copied), packer(copied))


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()
