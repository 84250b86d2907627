"""From calls that come one by one to calls that are inferred together."""

import asyncio
import logging
from asyncio import _get_running_loop, _set_running_loop
from collections.abc import Callable, Sequence
from typing import Protocol

from paddle_serving_runtime.engine import ModelDescription
from paddle_serving_runtime.protocol.call import Call, Result

_LOG = logging.getLogger(__name__)

Done = Callable[[Result], None]


class Inferring(Protocol):
    """An engine that computes where it is asked: the direct engine."""

    @property
    def capacity(self) -> int: ...  # noqa: D102 - as of Engine
    @property
    def wait_seconds(self) -> float: ...  # noqa: D102 - how long an incomplete batch may wait
    @property
    def models(self) -> tuple[ModelDescription, ...]: ...  # noqa: D102 - as of Engine

    def infer(self, calls: Sequence[Call]) -> Sequence[Result]:
        """The result of every call, in their order."""


class BatchingEngine:
    """The Engine around an engine that computes where it is asked, which is the event loop's thread.

    Where the engine can use one call at once, it gets every call as it comes. Else calls are collected: the engine
    gets them when there are as many as it can use, or when `wait_seconds` are over since the first of them; without a
    waiting time as soon as everything that has arrived is read. (Paddle Serving then waits for a full batch, for ever
    if need be.) A call that is to be alone is inferred at once, by itself.

    While the engine computes, asyncio is told that no loop runs in this thread: Ops may run one of their own, as they
    may in the threads and processes of Paddle Serving.

    While it computes nothing else runs in this process: Paddle 3.3.1 holds the interpreter lock, in whatever thread.
    The requests that come meanwhile are in the buffers of their sockets, and are all read before the next run.
    """

    def __init__(self, engine: Inferring, wait_seconds: float = 0.0) -> None:
        """`wait_seconds` is how long an incomplete batch waits at least, where the engine says less."""
        self._engine = engine
        self._wait = max(wait_seconds, engine.wait_seconds)
        self._waiting: list[tuple[Call, Done]] = []
        self._timer: asyncio.Handle | None = None
        self.capacity = engine.capacity
        self.models = engine.models

    def submit(self, call: Call, done: Done) -> None:
        """As Engine.submit."""
        if call.alone:
            self._infer([(call, done)])
            return
        self._waiting.append((call, done))
        if len(self._waiting) >= self.capacity:
            self._infer_waiting()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            infer, wait = self._infer_waiting, self._wait
            self._timer = loop.call_later(wait, infer) if wait else loop.call_soon(infer)

    def _infer_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        self._infer(waiting)

    def _infer(self, waiting: Sequence[tuple[Call, Done]]) -> None:
        # asyncio.run() in an Op refuses to start inside a running loop; a thread for the Ops would cost every request
        loop = _get_running_loop()
        _set_running_loop(None)
        try:
            results = self._engine.infer([call for call, _ in waiting])
        except Exception as error:  # noqa: BLE001 - every `done` is called, also where the engine has an error
            _LOG.exception("the engine failed")
            results = [Result(error)] * len(waiting)
        finally:
            _set_running_loop(loop)
        failures = []
        for (_, done), result in zip(waiting, results, strict=True):
            try:
                done(result)
            except Exception as error:  # noqa: BLE001 - the others wait for theirs
                failures.append(error)
        if failures:
            raise failures[0]
