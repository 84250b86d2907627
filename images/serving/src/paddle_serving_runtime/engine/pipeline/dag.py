"""The stock DAG of a service, running in threads or processes of this process."""
# ruff: noqa: SLF001 - the stock classes have no public way to what they do

import functools
import logging
import threading
from collections.abc import Iterator
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

from paddle_serving_runtime import errors
from paddle_serving_runtime.engine.failure import OpFailed, from_exception
from paddle_serving_runtime.engine.pipeline.config import DagConfig
from paddle_serving_runtime.engine.pipeline.cost import Cost, cost_of
from paddle_serving_runtime.engine.pipeline.events import OpEvent, OpEvents
from paddle_serving_runtime.engine.unpacking import unpacker
from paddle_serving_runtime.errors import ServiceBroken, ServingError
from paddle_serving_runtime.graph import Graph
from paddle_serving_runtime.protocol import ErrorCode, Response
from paddle_serving_runtime.protocol.call import Call, Result

_LOG = logging.getLogger(__name__)
_PROFILE_KEY = "pipeline.profile"
_CHANNELS = "the channels"
_BY_SIGNAL = "was ended by signal"
_LAST_WORDS_SECONDS = 0.1


class StockDag:
    """A DAGExecutor whose Ops are ready. `answer` may be called by several threads at once."""

    def __init__(self, graph: Graph, config: DagConfig, events: OpEvents) -> None:
        """Forks the processes of the Ops, or starts their threads; raises ServingError where one cannot be ready.

        To be called by the main thread, before any other thread runs.
        """
        from paddle_serving_server.pipeline.dag import DAGExecutor  # noqa: PLC0415 - importable after install() only
        from paddle_serving_server.pipeline.proto.pipeline_service_pb2 import Response as Message  # noqa: PLC0415

        self._events = events
        self._attempts = config.retry
        self._executor: Any = DAGExecutor(graph.response_op, config.server, 0)
        self._processes: dict[int, tuple[str, BaseProcess]] = {
            process.sentinel: (name, process) for name, process in _processes(self._executor._dag)
        }
        self._wait_until_ready(sum(op.concurrency for op in self._executor._dag._actual_ops))
        self._executor._profiler.enable(False)  # noqa: FBT003 - strings under a lock, for nobody
        self._message = Message
        self._of_this_thread = threading.local()
        self._unpack = unpacker(graph)
        self._executor._unpack_rpc_func = lambda unpacked: (*unpacked, None, "")
        self._executor._pack_rpc_func = functools.partial(self._pack, self._executor._pack_rpc_func)
        self._executor.start()

    def answer(self, call: Call) -> Result:
        """What the service answers, or OpFailed; blocks until then, for ever where an Op never ends.

        The first Ops get what the protocols have read: no bytes of a client become Python objects. Raises BadRequest,
        OpFailed.
        """
        inputs, log_id = self._unpack(call)
        inputs.pop(_PROFILE_KEY, None)
        for _ in range(self._attempts):
            message = self._executor.call((inputs, log_id))
            if message.err_no != ErrorCode.TIMEOUT:
                break
        cost: Cost = self._of_this_thread.cost
        try:
            return Result(_read(message), cost.seconds, cost.batch)
        except OpFailed as failure:
            return Result(failure, cost.seconds, cost.batch)

    def _pack(self, pack: Any, data: Any) -> Any:  # noqa: ANN401 - of a ResponseOp: ChannelData to a message
        """The response of the service's ResponseOp; an error that an Op returned stays one, whatever its code."""
        self._of_this_thread.cost = cost_of(data)
        if data.prod_error_code is not None:
            code = data.prod_error_code
            data.prod_error_code = int(code) if isinstance(code, int) and code else ErrorCode.PRODUCT_ERROR
            data.prod_error_info = str(data.prod_error_info)
        try:
            message = pack(data)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a service does
            failure = from_exception("response", "pack_response_package", error)
            _LOG.error("request failed: %s", failure.message, exc_info=error)
            return self._message(err_no=failure.err_no or ErrorCode.UNKNOWN, err_msg=failure.message)
        if data.error_code and not message.err_no:
            message.err_no = ErrorCode.PRODUCT_ERROR
        return message

    def wait_for_end(self) -> str:
        """Blocks until a part of the DAG has ended, without which it cannot answer; returns which, and why."""
        receiver = self._executor._recive_func
        while receiver.is_alive():
            wait([self._events.read_end, *self._processes], timeout=1.0)
            # a process that dies of an exception has reported it before
            told = self._events.take(0.0) or (self._events.take(_LAST_WORDS_SECONDS) if self._dead() else ())
            ended = [f"Op {event.op} has ended: {event.message}" for event in told if event.kind == "ended"]
            dead = self._dead()
            if dead or ended:
                # Ops end as well where the process of the channels is killed
                return ended[0] if ended and _BY_SIGNAL not in dead else dead
        return "the thread that receives the answers of the Ops has ended"

    def _wait_until_ready(self, expected: int) -> None:
        ready = 0
        while ready < expected:
            dead = self._dead()
            reported = self._events.take(_LAST_WORDS_SECONDS)
            for event in reported:
                if event.kind != "ready":
                    raise _initialization_error(event)
                ready += 1
            if dead and not reported:
                raise ServiceBroken(f"{dead} while the Ops were initialised.")

    def _dead(self) -> str:
        """A sentence about a process that has ended; empty where none has."""
        sentences = []
        for sentinel in wait(list(self._processes), timeout=0):
            name, process = self._processes[int(sentinel)]  # type: ignore[arg-type] # a descriptor here
            process.join()
            status = process.exitcode or 0
            how = f"{_BY_SIGNAL} {-status}" if status < 0 else f"ended with status {status}"
            sentences.append(f"the process of {name} {how}")
        return next((sentence for sentence in sentences if _BY_SIGNAL in sentence), sentences[0] if sentences else "")


def _processes(dag: Any) -> Iterator[tuple[str, BaseProcess]]:  # noqa: ANN401 - a stock DAG
    names = [f"Op {op.name}" for op in dag._actual_ops for _ in range(op.concurrency)]
    for name, process in zip(names, dag._threads_or_proces, strict=True):
        if isinstance(process, BaseProcess):
            yield name, process
    if manager := getattr(dag, "_manager", None):
        yield _CHANNELS, manager._process


def _initialization_error(event: OpEvent) -> ServingError:
    kind = getattr(errors, event.reason, None)
    if isinstance(kind, type) and issubclass(kind, ServingError) and kind is not ServingError:
        return kind(event.message)  # type: ignore[call-arg] # its subclasses take the message alone
    return ServiceBroken(f"Op {event.op} ended while it was initialised: {event.message}")


def _read(message: Any) -> Response:  # noqa: ANN401 - a generated message
    """The response of a service's ResponseOp. Raises OpFailed where it has an err_no, or cannot be read."""
    from paddle_serving_server.pipeline import RequestOp  # noqa: PLC0415 - importable after install() only

    if message.err_no:
        raise OpFailed("", message.err_no, message.err_msg)
    try:
        tensors = {tensor.name: RequestOp.proto_tensor_2_numpy(None, tensor)[0] for tensor in message.tensors}
        values = dict(zip(message.key, message.value, strict=True))
    except Exception as error:
        raise from_exception("response", "pack_response_package", error) from error
    return Response(ErrorCode.OK, "", values, tensors)
