"""The stock pipeline of Paddle Serving 0.9.0 as an engine: its DAG, channels and Ops, without its server."""
# ruff: noqa: SLF001 - the stock classes have no public way to what they do

import asyncio
import itertools
import logging
import queue
import threading
from collections.abc import Callable, Iterator

from paddle_serving_runtime.engine.failure import OpFailed, from_exception, location
from paddle_serving_runtime.engine.interface import ModelDescription
from paddle_serving_runtime.engine.pipeline.config import DagConfig, dag_config
from paddle_serving_runtime.engine.pipeline.dag import StockDag
from paddle_serving_runtime.engine.pipeline.events import OpEvents
from paddle_serving_runtime.engine.pipeline.fate import share_fate
from paddle_serving_runtime.engine.pipeline.ops import GaveUpError, exit_raises, repair_ops, said
from paddle_serving_runtime.errors import InvalidOption, ServiceBroken, ServingError
from paddle_serving_runtime.graph import Graph
from paddle_serving_runtime.protocol import BadRequest, ErrorCode
from paddle_serving_runtime.protocol.call import SERVICE, Call, Result

_LOG = logging.getLogger(__name__)
_MAX_CALLS = 64
_TELL_SECONDS = 1.0

Done = Callable[[Result], None]


class PipelineEngine:
    """A service whose Ops run in the threads or processes of the stock DAG.

    `capacity` is the worker_num of config.yml, or where that is 1 as by default, what the Ops can use at once; never
    more than 64. There are no models to address: `models` is empty.
    """

    models: tuple[ModelDescription, ...] = ()

    def __init__(self, graph: Graph, ended: Callable[[str], None]) -> None:
        """Loads every model and initialises every Op; raises ServingError.

        To be called by the main thread, before any other runs: the processes of the Ops are forked here, and die with
        this one. `ended` is called with a sentence when a part of the DAG has ended, after which nothing can be
        answered and every call has failed; the process should end then.
        """
        if graph.response_op is None:
            raise InvalidOption(
                "the pipeline engine runs the Ops of a web_service.py, which this package does not have. "
                "Use --engine direct."
            )
        config = dag_config(graph.config)
        for warning in (*config.warnings, *_prepare(graph, threads=config.server["dag"]["is_thread_op"])):
            _LOG.warning(warning)
        at_once = sum(node.op.concurrency * node.batch_size for node in graph.nodes if node.op is not None)
        self.capacity = min(config.worker_num if config.worker_num > 1 else at_once, _MAX_CALLS)
        events = OpEvents()
        share_fate()
        repair_ops(events)
        self._dag = _start(graph, config, events)
        self._ended = ended
        self._waiting: queue.SimpleQueue[tuple[int, Call]] = queue.SimpleQueue()
        self._calls: dict[int, Done] = {}
        self._numbers = itertools.count()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._broken = False
        for target in (*[self._answer_calls] * self.capacity, self._watch):
            threading.Thread(target=target, daemon=True).start()

    def submit(self, call: Call, done: Done) -> None:
        """Calls `done` exactly once, later or at once, from the event loop's thread."""
        if call.target != SERVICE:
            done(
                Result(
                    BadRequest(
                        "the pipeline engine serves the whole service, not its models; the direct engine does",
                        ErrorCode.NO_SERVICE,
                    )
                )
            )
        elif self._broken:
            done(Result(_lost()))
        else:
            self._loop = asyncio.get_running_loop()
            number = next(self._numbers)
            self._calls[number] = done
            self._waiting.put((number, call))

    def _answer_calls(self) -> None:
        while True:
            number, call = self._waiting.get()
            result = self._result(call)
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._finish, number, result)

    def _result(self, call: Call) -> Result:
        try:
            return self._dag.answer(call)
        except (BadRequest, OpFailed) as failure:
            return Result(failure)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the thread has to live for the next call
            _LOG.exception("the stock pipeline failed")
            return Result(from_exception("", "the pipeline", error))

    def _finish(self, number: int, result: Result) -> None:
        done = self._calls.pop(number, None)
        if done is not None:
            done(result)

    def _watch(self) -> None:
        try:
            why = self._dag.wait_for_end()
        except Exception:  # noqa: BLE001 - unwatched, every request would hang one day
            _LOG.exception("the pipeline is not watched any more")
            why = "its watch has failed"
        told = threading.Event()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._fail, told)
            told.wait(_TELL_SECONDS)
        self._ended(why)

    def _fail(self, told: threading.Event) -> None:
        self._broken = True
        for number in tuple(self._calls):
            self._finish(number, Result(_lost()))
        told.set()


def _start(graph: Graph, config: DagConfig, events: OpEvents) -> StockDag:
    try:
        with exit_raises():
            return StockDag(graph, config, events)
    except ServingError:
        raise
    except (Exception, SystemExit, GaveUpError) as error:
        raise ServiceBroken(f"the Ops cannot be started: {location(error)}: {said(error)}.") from error


def _prepare(graph: Graph, *, threads: bool) -> Iterator[str]:
    """Gives the Ops what the graph says of them; a sentence for each that gets less than config.yml asks for.

    Threads of one Op share its predictor and its attributes, where many services keep a request between preprocess
    and postprocess: with the stock server more than one thread gives wrong answers.
    """
    for node in graph.nodes:
        op = node.op
        if op is None:
            continue
        if not op.with_serving:
            op.client_type = None
        op._retry = node.retry
        op._timeout = node.timeout_ms / 1000 if node.timeout_ms else -1
        if threads and op.concurrency > 1:
            yield (
                f"op.{node.name}.concurrency in config.yml is {op.concurrency}, but one thread runs it: threads of an "
                "Op share its model and attributes, and answer one request with another's. Set dag.is_thread_op to "
                "false for processes."
            )
            op.concurrency = 1


def _lost() -> OpFailed:
    return OpFailed("", ErrorCode.CLOSED_ERROR, "a part of the pipeline has ended; try again")
