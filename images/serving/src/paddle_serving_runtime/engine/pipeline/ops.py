"""Repairs of the stock Op classes for the life of this process; what is wrong with each is said where it is repaired.

Source: paddle_serving_server 0.9.0, pipeline/{operator,channel,error_catch,local_service_handler}.py.
"""
# ruff: noqa: SLF001 - the stock classes have no public way to what they do

import contextlib
import functools
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from paddle_serving_runtime.engine.failure import from_exception, location
from paddle_serving_runtime.engine.pipeline.cost import carry_costs
from paddle_serving_runtime.engine.pipeline.events import OpEvent, OpEvents
from paddle_serving_runtime.engine.pipeline.predictor import local_predictor
from paddle_serving_runtime.engine.pipeline.process import run_process
from paddle_serving_runtime.errors import ServiceBroken, ServingError
from paddle_serving_runtime.paddle_model.switches import Switches
from paddle_serving_runtime.protocol import ErrorCode
from paddle_serving_runtime.serving_packages.missing import where_to_find
from paddle_serving_runtime.words import named

_LOG = logging.getLogger(__name__)
_AT_ONCE = 0.0005
"""Seconds; a channel takes 0 for no limit."""

_INITIALIZATION = "check_helper"
"""The function of Op._run that loads the model and calls init_op."""

Method = Callable[..., Any]


class GaveUpError(BaseException):
    """The Op, or the stock code around it, has called os._exit()."""


def repair_ops(events: OpEvents) -> None:
    """Repairs the classes; what their threads and processes do is then told on `events`."""
    from paddle_serving_server.pipeline import (  # noqa: PLC0415 - importable after install() only
        channel,
        error_catch,
        local_service_handler,
        operator,
    )

    logging.getLogger("paddle_serving_server").setLevel(logging.CRITICAL)  # what fails is logged here, once
    type(error_catch.ErrorCatch).__call__ = _catching(events)
    channel.ChannelData.check_npdata = staticmethod(_checked_check(channel.ChannelData.check_npdata))
    operator.check_feed_dict = _feeds_fit
    op = operator.Op
    op._initialize = _reporting_initialize(events)
    op._run = _reporting_run(op._run, events)
    op._run_process = run_process
    carry_costs(op)
    op._auto_batching_generator = _batches_until(channel.ChannelTimeoutError)
    local_service_handler.LocalServiceHandler.get_client = _get_client
    virtual = operator.VirtualOp
    virtual._run = _reporting_run(_forwarding(events, channel.ChannelStopError), events)
    for name, value in _VIRTUAL_ATTRIBUTES.items():
        setattr(virtual, name, value)


_VIRTUAL_ATTRIBUTES = {
    "with_serving": False,
    "model_config": None,
    "workdir": "",
    "thread_num": 1,
    "device_type": -1,
    "devices": "",
    "mem_optim": False,
    "ir_optim": False,
    "precision": "fp32",
    "use_mkldnn": False,
    "mkldnn_cache_capacity": 0,
    "mkldnn_op_list": None,
    "mkldnn_bf16_op_list": None,
    "min_subgraph_size": 3,
    "use_calib": False,
}
"""What start_with_thread and start_with_process pass on, and only Ops of config.yml have: no skip edge ever started."""


def _catching(events: OpEvents) -> Method:
    """ErrorCatch.__call__: the exception of a function as a response with err_no.

    The stock one kills the process group for a CustomException that is not meant for the client, tells the client the
    text of every other, and lets SystemExit end the Op's loop. What ends an Op's initialisation is reported.
    """
    from paddle_serving_server.pipeline.proto.pipeline_service_pb2 import Response  # noqa: PLC0415 - as above

    def catch(_self: object, function: Method) -> Method:
        @functools.wraps(function)
        def wrapper(*arguments: Any, **named: Any) -> tuple[Any, Any]:  # noqa: ANN401 - any function
            try:
                return function(*arguments, **named), Response()
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever an Op does wrong
                name = str(getattr(next(iter(arguments), None), "name", ""))
                if function.__name__ == _INITIALIZATION:
                    broken = error if isinstance(error, ServingError) else ServiceBroken(f"Op {name}: {said(error)}")
                    events.report(OpEvent(name, "failed", broken.reason, broken.message))
                    return None, Response(err_no=ErrorCode.INIT_ERROR, err_msg=broken.message)
                failure = from_exception(name, function.__name__.removesuffix("_help"), error)
                _LOG.error("request failed: %s", failure.message, exc_info=error)
                return None, Response(err_no=failure.err_no or ErrorCode.UNKNOWN, err_msg=failure.message)

        return wrapper

    return catch


def _checked_check(check: Method) -> Method:
    """An empty list among the outputs of postprocess raised IndexError outside of every try, which ended the loop."""

    def check_npdata(output: object) -> tuple[int, str | None]:
        if isinstance(output, dict) and any(isinstance(value, list) and not value for value in output.values()):
            return ErrorCode.TYPE_ERROR, "a value is an empty list"
        result: tuple[int, str | None] = check(output)
        return result

    return check_npdata


def _feeds_fit(feed: object, names: list[str]) -> bool:
    """Every input and nothing else, but LoDs. The stock check leaves out every name with "lod" in it."""
    return isinstance(feed, dict) and {name for name in feed if name in names or not name.endswith(".lod")} == set(
        names
    )


def _get_client(handler: Any, concurrency_idx: int) -> Any:  # noqa: ANN401 - classes of an untyped package
    """LocalServiceHandler.get_client: the stock switches, the runtime's predictor."""
    if handler._local_predictor_client is None:
        device = handler._devices[concurrency_idx % len(handler._devices)]
        handler._local_predictor_client = local_predictor(
            Path(handler._model_config).resolve(),
            Switches(
                ir_optim=handler._ir_optim,
                onednn=handler._use_mkldnn,
                threads=handler._thread_num,
                device=f"gpu:{device}" if handler._use_gpu else "cpu",
                memory_optim=handler._mem_optim,
            ),
            handler._mkldnn_cache_capacity or 0,
        )
    return handler._local_predictor_client


def _reporting_initialize(events: OpEvents) -> Method:
    """Op._initialize: the stock one goes on to serve after an exception in init_op."""

    def initialize(op: Any, is_thread_op: bool, concurrency_idx: int) -> Any:  # noqa: ANN401, FBT001 - stock
        op.concurrency_idx = None if is_thread_op else concurrency_idx
        op.client = op.init_client(op._client_config, op._server_endpoints)
        try:
            with contextlib.nullcontext() if is_thread_op else exit_raises():
                op.init_op()
        except (Exception, SystemExit, GaveUpError) as error:
            raise ServiceBroken(f"{location(error)}: init_op of op {op.name} failed: {said(error)}") from error
        events.report(OpEvent(op.name, "ready"))
        return _Clock()

    return initialize


class _Clock:
    """A profiler that keeps nothing: the stock one keeps every time of a request until one succeeds."""

    def record(self, _name: str) -> int:
        """Now, in microseconds."""
        return time.time_ns() // 1000

    def gen_profile_str(self) -> str:
        """What was recorded."""
        return ""


def _reporting_run(run: Method, events: OpEvents) -> Method:
    """Op._run: that the loop of an Op has ended is told, whatever ended it. Nobody noticed, and every request hung."""

    @functools.wraps(run)
    def reporting(op: Any, *arguments: Any) -> None:  # noqa: ANN401 - a stock Op
        try:
            run(op, *arguments)
            why = "its loop was stopped"
        except BaseException as error:  # noqa: BLE001 - func_timeout and users raise anything
            why = said(error)
            _LOG.error("the loop of Op %s ended", op.name, exc_info=error)
        events.report(OpEvent(op.name, "ended", message=why))

    return reporting


def _forwarding(events: OpEvents, stopped: type[Exception]) -> Method:
    """VirtualOp._run, which hands on what skips a layer of the graph. The stock one has the signature of another."""

    def run(op: Any, _index: int, source: Any, targets: list[Any], *_switches: object) -> None:  # noqa: ANN401 - stock
        events.report(OpEvent(op.name, "ready"))
        with contextlib.suppress(stopped):
            while True:
                for name, data in source.front(op.name).items():
                    for target in targets:
                        target.push(data, name)

    return run


def _batches_until(timed_out: type[Exception]) -> Method:
    """Op._auto_batching_generator: a batch goes when it is full, or the time since its first member is over.

    The stock one waits for a full batch for ever where there is no time, up to twice the time where there is one, and
    wakes up all the time while there is nothing to do.
    """

    def batches(
        _op: object,
        input_channel: Any,  # noqa: ANN401 - stock
        op_name: str,
        batch_size: int,
        timeout: float | None,
        **_named: object,
    ) -> Iterator[list[Any]]:
        while True:
            batch = [input_channel.front(op_name)]
            deadline = time.monotonic() + (timeout or 0.0)
            with contextlib.suppress(timed_out):
                while len(batch) < batch_size:
                    batch.append(input_channel.front(op_name, max(deadline - time.monotonic(), _AT_ONCE)))
            yield batch

    return batches


@contextlib.contextmanager
def exit_raises() -> Iterator[None]:
    """os._exit() in this process raises within it; in a process that is forked meanwhile it ends that."""
    own, leave = os.getpid(), os._exit

    def exit_or_raise(status: int) -> NoReturn:
        if os.getpid() != own:
            leave(status)
        raise GaveUpError(f"os._exit({status})")

    os._exit = exit_or_raise
    try:
        yield
    finally:
        os._exit = leave


def said(error: BaseException) -> str:
    """What an exception says, in one line."""
    if isinstance(error, GaveUpError):
        return f"it called {error}"
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code})"
    return named(error) + where_to_find(error)
