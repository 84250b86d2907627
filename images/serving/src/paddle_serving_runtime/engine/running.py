"""The model of a node: runs for one request, and runs that several requests share."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.engine.failure import OpFailed, from_exception
from paddle_serving_runtime.engine.grouping import Feed, concatenate, group, rows_of, signature, split
from paddle_serving_runtime.engine.proof import same_bits
from paddle_serving_runtime.engine.sharing import Sharing
from paddle_serving_runtime.graph import Node
from paddle_serving_runtime.paddle_model.predictor import InputRefused, Predictor
from paddle_serving_runtime.protocol import ErrorCode

_LOG = logging.getLogger(__name__)
_RTOL, _ATOL = 1e-3, 1e-5

Outputs = dict[str, NDArray[Any]]
Clock = Callable[[], float]


class Run(NamedTuple):
    """What a request got of its run: `seconds` of inference, shared by `batch` requests."""

    outcome: Outputs | OpFailed
    seconds: float
    batch: int = 1


class ModelRunner:
    """Runs a node's model for any number of requests.

    Requests that fit share a run, at most `batch_size` of them; whatever goes wrong in a shared run, its members are
    run one by one, so that a bad one fails alone. Sharing needs a model that treats every row alone. Nothing in a
    program says so for certain, so the first requests that fit are run one by one, and then once more together, to be
    compared; a model whose rows differ, or whose inputs or outputs do not have the batch as first axis, is not batched.

    A shared run is bit for bit what Paddle Inference computes for the same batch. It need not be what it computes for
    a single request: matrix products of another size round otherwise. Measured on Paddle 3.3.1 and CPU, batches of 2
    to 32: with oneDNN, ir_optim and one thread equal bit for bit (a linear model, an MLP, MobileNetV2, PP-OCRv4 rec),
    else up to 2e-5 relative. Where `share` has said what is proved instead, runs have proved sizes and the same bits.

    `timeout` and `retry` are Paddle Serving's: the time of one run, and how many runs may be too slow before the answer
    is error 6000; other errors are not tried again. A run cannot be interrupted, so one that is too slow is waited for
    and its result is lost; one that never ends is the front's to answer (504), and the worker's end.
    """

    def __init__(self, node: Node, predictor: Predictor, clock: Clock) -> None:
        self.conf, self.shapes = predictor.conf, predictor.shapes
        self._node = node
        self._predictor = predictor
        self._clock = clock
        self._sharing: Sharing | None = None
        self._batched: bool | None = None if node.batch_size > 1 else False
        if self._batched is None and (objection := self.fixed_batch):
            self._do_not_batch(objection)

    @property
    def capacity(self) -> int:
        """How many requests can share a run, as far as is known."""
        if self._sharing is not None:
            return self._sharing.capacity
        return 1 if self._batched is False else self._node.batch_size

    @property
    def fixed_batch(self) -> str:
        """Why the program cannot compute rows of several requests together; empty where it may."""
        without = _without_batch_axis(self._node, self._predictor)
        return f"the shape of {without} in its program has no free batch dimension" if without else ""

    def compute(self, feed: Feed) -> Outputs:
        """The wanted outputs of one run. Raises what Paddle raises."""
        return select(self._predictor.run(feed), self._node.fetches)

    def shared_sizes(self, feed: Feed) -> tuple[int, ...]:
        """The numbers of rows that runs of several requests like this one may have."""
        if self._sharing is not None:
            return self._sharing.proof.sizes.get(signature(feed), ())
        return tuple(range(2, self.capacity + 1))

    @property
    def is_proved(self) -> bool:
        """Whether shared runs have the bits of single ones, so that it does not matter what is computed together."""
        return self._sharing is not None

    def share(self, sharing: Sharing | None) -> None:
        """From now on requests share runs as it says, or None without."""
        self._sharing = sharing

    def run(self, feeds: Sequence[Feed]) -> list[Run]:
        """One run for every feed, in their order. Never raises for what a feed or the model does wrong."""
        if len(feeds) == 1 or (self._batched is False and self._sharing is None):
            return [self.alone(feed) for feed in feeds]
        groups = group(feeds, self._node.batch_size) if self._sharing is None else self._sharing.groups(feeds)
        runs: dict[int, Run] = {}
        for members in groups:
            runs.update(zip(members, self._together([feeds[index] for index in members]), strict=True))
        return [runs[index] for index in range(len(feeds))]

    def alone(self, feed: Feed) -> Run:
        """One run for one feed. Never raises."""
        return self._attempts(feed, 1)

    def _together(self, feeds: Sequence[Feed]) -> list[Run]:
        if len(feeds) == 1 or (self._batched is False and self._sharing is None):
            return [self.alone(feed) for feed in feeds]
        if self._sharing is not None:
            return self._as_proved(feeds, self._sharing)
        return self._on_trial(feeds) if self._batched is None else self._as_configured(feeds)

    def _as_configured(self, feeds: Sequence[Feed]) -> list[Run]:
        """A run of at most `batch_size` requests, as the service's configuration has it."""
        shared = self._attempts(concatenate(feeds), len(feeds))
        if isinstance(shared.outcome, OpFailed):
            if shared.outcome.err_no == ErrorCode.TIMEOUT:
                return [shared] * len(feeds)
            return [self.alone(feed) for feed in feeds]
        parts = split(shared.outcome, [rows_of(feed) or 0 for feed in feeds])
        if parts is None:
            self._do_not_batch("the first axis of an output is not the batch")
            return [self.alone(feed) for feed in feeds]
        return [Run(part, shared.seconds, len(feeds)) for part in parts]

    def _as_proved(self, feeds: Sequence[Feed], sharing: Sharing) -> list[Run]:
        """A run of a proved size; where it fails or its rows cannot be told apart, a run for each."""
        shared = self._attempts(concatenate(feeds), len(feeds))
        if isinstance(shared.outcome, OpFailed):
            return [self.alone(feed) for feed in feeds]
        parts = split(shared.outcome, [rows_of(feed) or 0 for feed in feeds])
        if parts is not None and not sharing.is_audited():
            return [Run(part, shared.seconds, len(feeds)) for part in parts]
        alone = [self.alone(feed) for feed in feeds]
        differing = [place for place, run in enumerate(alone) if parts is None or not _identical(parts[place], run)]
        sharing.ledger.audited(differs=bool(differing))
        if differing:
            _LOG.error(
                "batching is off from now on in every worker: %s of %s requests of one run had other bits than alone",
                len(differing),
                len(feeds),
            )
        return alone

    def _on_trial(self, feeds: Sequence[Feed]) -> list[Run]:
        """Single runs, and a decision about shared ones if no request fails by itself."""
        answers = [self.alone(feed) for feed in feeds]
        tried, singles = list(feeds), answers
        if all(_equal(feed, feeds[0]) for feed in feeds):
            # equal rows look independent whatever the model does
            if (other := _another(feeds[0])) is None:
                return answers
            tried, singles = [feeds[0], other], [answers[0], self.alone(other)]
        if any(isinstance(single.outcome, OpFailed) for single in singles):
            return answers
        shared = self._attempts(concatenate(tried), len(tried))
        if isinstance(shared.outcome, OpFailed):
            if shared.outcome.err_no != ErrorCode.TIMEOUT:
                self._do_not_batch("its model fails for several requests together and answers each alone")
            return answers
        parts = split(shared.outcome, [rows_of(feed) or 0 for feed in tried])
        if parts is None:
            self._do_not_batch("the first axis of an output is not the batch")
        elif all(_same(part, single.outcome) for part, single in zip(parts, singles, strict=True)):
            self._batched = True
        else:
            self._do_not_batch("its model's answer to a request depends on the requests beside it")
        return answers

    def _do_not_batch(self, reason: str) -> None:
        self._batched = False
        _LOG.warning("batch_size of op %s has no effect: %s", self._node.name, reason)

    def _refused(self, error: InputRefused) -> OpFailed:
        """The client's failure, where no Op has made the input of what the client gave."""
        if self._node.op is None:
            return OpFailed("", ErrorCode.INPUT_PARAMS_ERROR, str(error))
        return from_exception(self._node.name, "inference", error)

    def _attempts(self, feed: Feed, batch: int) -> Run:
        """Up to `retry` runs, until one is within the time limit."""
        name, limit = self._node.name, self._node.timeout_ms
        total = 0.0
        for _ in range(self._node.retry):
            started = self._clock()
            try:
                outputs = self._predictor.run(feed)
            except InputRefused as error:
                return Run(self._refused(error), total + self._clock() - started, batch)
            except Exception as error:  # noqa: BLE001 - Paddle raises what it likes; the request fails, not the worker
                return Run(from_exception(name, "inference", error), total + self._clock() - started, batch)
            seconds = self._clock() - started
            total += seconds
            if limit is None or seconds * 1000 <= limit:
                return Run(select(outputs, self._node.fetches), total, batch)
        message = f"inference took longer than {limit:g} ms, {self._node.retry} times"
        return Run(OpFailed(name, ErrorCode.TIMEOUT, message), total, batch)


def select(outputs: Mapping[str, NDArray[Any]], fetches: tuple[str, ...]) -> Outputs:
    """The outputs that the configuration asks for, in its order and with their LoD; all where it names none."""
    if not fetches:
        return dict(outputs)
    names = [name for fetch in fetches for name in (fetch, f"{fetch}.lod") if name in outputs]
    return {name: outputs[name] for name in names}


def _without_batch_axis(node: Node, predictor: Predictor) -> str | None:
    """The first input or wanted output with a LoD, or with a fixed first dimension."""
    fetches = [variable for variable in predictor.conf.fetches if not node.fetches or variable.alias in node.fetches]
    for variable in (*predictor.conf.feeds, *fetches):
        shape = predictor.shapes.get(variable.name, (-1,))
        if variable.is_lod or not shape or shape[0] >= 0:
            return variable.alias
    return None


def _equal(feed: Feed, other: Feed) -> bool:
    return all(feed[name].tobytes() == other[name].tobytes() for name in feed)  # NaN is equal to itself here


def _another(feed: Feed) -> Feed | None:
    """A request like this one with other values: the same in another order, or other floats; None where it cannot be.

    Other integers could be past the end of a table.
    """
    other = {name: np.flip(value, axis=-1) if value.ndim > 1 else value for name, value in feed.items()}
    if _equal(other, feed):
        other = {
            name: value + value.dtype.type(1) if value.dtype.kind == "f" else value for name, value in feed.items()
        }
    return None if _equal(other, feed) else other


def _same(part: Outputs, single: Outputs | OpFailed) -> bool:
    """Whether a member's rows of a shared run are what it gets alone, up to the last bits of floats."""
    if isinstance(single, OpFailed) or part.keys() != single.keys():
        return False
    return all(_close(part[name], single[name]) for name in part)


def _identical(part: Outputs, single: Run) -> bool:
    return not isinstance(single.outcome, OpFailed) and same_bits(part, single.outcome)


def _close(got: NDArray[Any], want: NDArray[Any]) -> bool:
    if got.shape != want.shape or got.dtype != want.dtype:
        return False
    if got.dtype.kind not in "fc":
        return np.array_equal(got, want)
    rtol = max(_RTOL, 8 * float(np.finfo(got.dtype).eps))
    return np.allclose(got, want, rtol, _ATOL, equal_nan=True)
