"""The middle of a stock Op: from what preprocess made of a batch of requests to what the model says to each.

In place of Op._run_process of Paddle Serving 0.9.0, in which requests of two shapes in one batch end the Op's loop, one
bad request fails its whole batch, an output whose first axis is not the batch loses rows, and an input that not every
request has gives one request another's rows. `process`, which services may override, is called as there.
"""
# ruff: noqa: SLF001 - the stock classes have no public way to what they do

import logging
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from paddle_serving_runtime.engine.failure import OpFailed, from_exception
from paddle_serving_runtime.engine.grouping import concatenate, group, rows_of, split
from paddle_serving_runtime.engine.pipeline.cost import add_cost
from paddle_serving_runtime.protocol import ErrorCode

_LOG = logging.getLogger(__name__)
_STUCK_SECONDS = 5.0
"""How long a model may go on computing after its Op's timeout; it cannot be stopped, and nobody else can use it."""

Outcomes = dict[int, Any]
"""By data id: what postprocess gets, or the OpFailed in place of it."""


class OpStuckError(RuntimeError):
    """The model of an Op computes on, long after its timeout; only the end of its process ends that."""


def run_process(
    op: Any,  # noqa: ANN401 - a stock Op
    prepared: Mapping[int, Any],
    _prefix: str,
    skipped: Mapping[int, bool],
    log_ids: Mapping[int, int],
) -> tuple["OrderedDict[int, Any]", "OrderedDict[int, Any]"]:
    """The stock method's results: what postprocess gets, and ChannelData of the failed, each by data id."""
    from paddle_serving_server.pipeline.channel import ChannelData  # noqa: PLC0415 - importable after install() only

    outcomes = _outcomes(op, prepared, {data_id for data_id, skip in skipped.items() if skip})
    done: OrderedDict[int, Any] = OrderedDict()
    failed: OrderedDict[int, Any] = OrderedDict()
    for data_id in prepared:
        outcome = outcomes[data_id]
        if isinstance(outcome, OpFailed):
            failed[data_id] = ChannelData(
                error_code=outcome.err_no, error_info=outcome.message, data_id=data_id, log_id=log_ids.get(data_id)
            )
        else:
            done[data_id] = outcome
    return done, failed


def _outcomes(op: Any, prepared: Mapping[int, Any], skipped: set[int]) -> Outcomes:  # noqa: ANN401 - a stock Op
    outcomes: Outcomes = {
        data_id: fed for data_id, fed in prepared.items() if not op.with_serving or data_id in skipped
    }
    waiting = [data_id for data_id in prepared if data_id not in outcomes]
    together = [data_id for data_id in waiting if _is_tensors(prepared[data_id])]
    for members in group([prepared[data_id] for data_id in together], len(together)):
        ids = [together[member] for member in members]
        outcomes |= _shared(op, {data_id: prepared[data_id] for data_id in ids}) if len(ids) > 1 else {}
    for data_id in waiting:
        if data_id not in outcomes:
            outcomes[data_id] = _alone(op, data_id, prepared[data_id])
    return outcomes


def _shared(op: Any, feeds: Mapping[int, Any]) -> Outcomes:  # noqa: ANN401 - a stock Op
    """Each one's rows of one run for all; empty where that fails, as it is not known whose fault it is."""
    rows = [rows_of(feed) or 0 for feed in feeds.values()]
    try:
        answer = _process(op, concatenate(list(feeds.values())), tuple(feeds))
    except OpFailed as failure:
        return dict.fromkeys(feeds, failure) if failure.err_no == ErrorCode.TIMEOUT else {}
    parts = split(answer, rows) if _is_tensors(answer) else None
    return {} if parts is None else dict(zip(feeds, parts, strict=True))


def _alone(op: Any, data_id: int, fed: object) -> Any:  # noqa: ANN401 - an answer or OpFailed
    try:
        if isinstance(fed, dict):
            return _process(op, fed, (data_id,))
        if isinstance(fed, Sequence) and not isinstance(fed, str):
            return [_process(op, feed, (data_id,)) for feed in fed]
    except OpFailed as failure:
        _LOG.error("request failed: %s", failure.message, exc_info=failure.__cause__)
        return failure
    return OpFailed(
        op.name, ErrorCode.TYPE_ERROR, f"preprocess must return a dict or a list of dicts, not a {type(fed).__name__}"
    )


def _process(op: Any, feed: Any, data_ids: tuple[int, ...]) -> Any:  # noqa: ANN401 - as above
    """What the Op's process() returns for these requests, within its timeout and attempts. Raises OpFailed."""
    if not isinstance(feed, dict):
        raise OpFailed(op.name, ErrorCode.TYPE_ERROR, "every element of a mini batch must be a dict")
    started = time.perf_counter()
    try:
        result, err_no, message = _timed(op, feed, data_ids[0])
    except (OpFailed, OpStuckError):
        raise
    except (Exception, SystemExit) as error:
        raise from_exception(op.name, "process", error) from error
    finally:
        add_cost(op, data_ids, time.perf_counter() - started, len(data_ids))
    if err_no or result is None:
        raise OpFailed(op.name, err_no or ErrorCode.UNKNOWN, _without_name(op, message) or "process returned nothing")
    return result


def _timed(op: Any, feed: dict[str, Any], data_id: int) -> Any:  # noqa: ANN401 - as above
    if op._timeout <= 0:
        return op.process([feed], data_id)
    import func_timeout  # noqa: PLC0415 - only where an Op asks for it

    for _ in range(op._retry):
        try:
            return func_timeout.func_timeout(op._timeout, op.process, args=([feed], data_id))
        except func_timeout.FunctionTimedOut:
            if op.client is not None and not op.client.idle_within(_STUCK_SECONDS):
                raise OpStuckError(
                    f"the model of Op {op.name} has not ended {_STUCK_SECONDS:g} s after its timeout"
                ) from None
    raise OpFailed(op.name, ErrorCode.TIMEOUT, f"took longer than {op._timeout:g} s")


def _is_tensors(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and all(isinstance(array, np.ndarray) for array in value.values())


def _without_name(op: Any, message: str) -> str:  # noqa: ANN401 - a stock Op
    return str(message).removeprefix(f"[{op.name}] ")
