"""Runs of an engine that hides its failures."""

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.paddle_model.openvino import ErrorWatch, RunFailed

_LOG = logging.getLogger(__name__)
_EXIT_STATUS = 70

Feed = Mapping[str, NDArray[Any]]
Answer = dict[str, NDArray[Any]]


def end_process(sentence: str) -> None:
    """Ends this process at once: its answers cannot be relied on, and whoever watches it starts another."""
    _LOG.critical(sentence)
    os._exit(_EXIT_STATUS)


class GuardedRuns:
    """Runs that fail where the engine failed, instead of answering with what an earlier run left.

    After a failed run the engine is a suspect: it has to give the answer of its first run once more, bit for bit,
    before it is asked anything else. One that does not is at its end (`end`).
    """

    def __init__(self, run: Callable[[Feed], Answer], watch: ErrorWatch, end: Callable[[str], None]) -> None:
        self._compute = run
        self._watch = watch
        self._end = end
        self._first: tuple[Feed, Answer] | None = None

    def run(self, feed: Feed) -> Answer:
        """The answer. Raises RunFailed where the engine failed, and whatever the run itself raises."""
        try:
            answer = self._watch.run(lambda: self._compute(feed))
        except RunFailed:
            self._prove()
            raise
        if self._first is None:
            # copies: a service may change in place what it has fed and what it got
            self._first = (_copied(feed), _copied(answer))
        return answer

    def _prove(self) -> None:
        if self._first is None:
            return
        feed, want = self._first
        try:
            got = self._watch.run(lambda: self._compute(feed))
        except Exception as error:  # noqa: BLE001 - whatever it is, this engine computes no more
            self._end(f"after a run that failed, Paddle's OpenVINO engine cannot repeat its first run: {error}")
            return
        if got.keys() != want.keys() or any(_bits(got[name]) != _bits(want[name]) for name in want):
            self._end("after a run that failed, Paddle's OpenVINO engine does not repeat the answer of its first run")


def _copied(tensors: Feed) -> Answer:
    return {name: np.array(tensor) for name, tensor in tensors.items()}


def _bits(tensor: NDArray[Any]) -> tuple[object, ...]:
    return tensor.dtype, tensor.shape, tensor.tobytes()
