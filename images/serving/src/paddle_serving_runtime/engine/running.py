"""The model of a node: runs for one request, and runs that several requests share."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.engine.failure import OpFailed, from_exception
from paddle_serving_runtime.engine.grouping import Feed, concatenate, group, rows_of, split
from paddle_serving_runtime.graph import Node
from paddle_serving_runtime.model.predictor import Predictor
from paddle_serving_runtime.protocol import ErrorCode

_LOG = logging.getLogger(__name__)
_RTOL, _ATOL = 1e-3, 1e-5

Outputs = dict[str, NDArray[Any]]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Run:
    """What a request got of its run: `seconds` of inference, shared by `batch` requests."""

    outcome: Outputs | OpFailed
    seconds: float
    batch: int = 1


class ModelRunner:
    """Runs a node's model for any number of requests.

    Requests that fit share a run, at most `batch_size` of them; whatever goes wrong in a shared run, its members are
    run one by one, so that a bad one fails alone. Sharing needs a model that treats every row alone. Nothing in a
    program says so for certain, so the first shared run is compared with single runs (whose answers are given), and a
    model whose rows differ, or whose outputs do not have the batch as first axis, is not batched any more.
    """

    def __init__(self, node: Node, predictor: Predictor, clock: Clock) -> None:
        self.conf = predictor.conf
        self._node = node
        self._predictor = predictor
        self._clock = clock
        self._batched: bool | None = None if node.batch_size > 1 else False

    def run(self, feeds: Sequence[Feed]) -> list[Run]:
        """One run for every feed, in their order. Never raises for what a feed or the model does wrong."""
        if len(feeds) == 1 or self._batched is False:
            return [self._alone(feed) for feed in feeds]
        runs: dict[int, Run] = {}
        for members in group(feeds, self._node.batch_size):
            runs.update(zip(members, self._together([feeds[index] for index in members]), strict=True))
        return [runs[index] for index in range(len(feeds))]

    def _alone(self, feed: Feed) -> Run:
        return self._attempts(feed, 1)

    def _together(self, feeds: Sequence[Feed]) -> list[Run]:
        if len(feeds) == 1 or self._batched is False:
            return [self._alone(feed) for feed in feeds]
        shared = self._attempts(concatenate(feeds), len(feeds))
        if isinstance(shared.outcome, OpFailed):
            if shared.outcome.err_no == ErrorCode.TIMEOUT:
                return [shared] * len(feeds)
            return [self._alone(feed) for feed in feeds]
        parts = split(shared.outcome, [rows_of(feed) or 0 for feed in feeds])
        if parts is not None and self._batched:
            return [Run(part, shared.seconds, len(feeds)) for part in parts]
        singles = [self._alone(feed) for feed in feeds]
        self._judge(parts, singles)
        return singles

    def _judge(self, parts: list[Outputs] | None, singles: Sequence[Run]) -> None:
        """Decides by the first shared run whether rows are independent; a member that fails alone decides nothing."""
        if parts is not None and any(isinstance(single.outcome, OpFailed) for single in singles):
            return
        self._batched = parts is not None and all(
            _same(part, single.outcome) for part, single in zip(parts, singles, strict=True)
        )
        if not self._batched:
            _LOG.warning(
                "op %s is not batched any more: its model's answer to a request depends on the requests beside it",
                self._node.name,
            )

    def _attempts(self, feed: Feed, batch: int) -> Run:
        """Up to `retry` runs, until one is within the time limit. A run cannot be interrupted; its result is lost."""
        name, limit = self._node.name, self._node.timeout_ms
        total = 0.0
        for _ in range(self._node.retry):
            started = self._clock()
            try:
                outputs = self._predictor.run(feed)
            except Exception as error:  # noqa: BLE001 - Paddle raises what it likes; the request fails, not the worker
                return Run(from_exception(name, "inference", error), total + self._clock() - started, batch)
            seconds = self._clock() - started
            total += seconds
            if limit is None or seconds * 1000 <= limit:
                return Run(select(outputs, self._node.fetches), total, batch)
        message = f"inference took longer than {limit:g} ms, {self._node.retry} times of {self._node.retry}"
        return Run(OpFailed(name, ErrorCode.TIMEOUT, message), total, batch)


def select(outputs: Mapping[str, NDArray[Any]], fetches: tuple[str, ...]) -> Outputs:
    """The outputs that the configuration asks for, in its order and with their LoD; all where it names none."""
    if not fetches:
        return dict(outputs)
    names = [name for fetch in fetches for name in (fetch, f"{fetch}.lod") if name in outputs]
    return {name: outputs[name] for name in names}


def _same(part: Outputs, single: Outputs | OpFailed) -> bool:
    """Whether a member's rows of a shared run are what it gets alone, up to the last bits of floats."""
    if isinstance(single, OpFailed) or part.keys() != single.keys():
        return False
    return all(_close(part[name], single[name]) for name in part)


def _close(got: NDArray[Any], want: NDArray[Any]) -> bool:
    if got.shape != want.shape or got.dtype != want.dtype:
        return False
    if got.dtype.kind not in "fc":
        return np.array_equal(got, want)
    return np.allclose(got, want, _RTOL, _ATOL, equal_nan=True)
