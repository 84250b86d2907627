"""Lanes for the requests of a run: every one with Ops of its own, which are deep copies of those that are ready."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from resource import getpagesize
from typing import Any

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
    memo = {id(value): value for op in connected for name, value in vars(op).items() if name in _NOT_COPIED}
    try:
        request_op, response_op, *ops = deepcopy(own, memo)
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
