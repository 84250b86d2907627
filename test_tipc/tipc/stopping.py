"""Signals that end a run: a terminal that is closed, Ctrl-C, SIGTERM. Whatever the run has started ends with it."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def listen() -> None:
    """From now on the first of SIGNALS raises SystemExit, so that every context ends what it has started.

    Later ones are ignored, as ending takes its time. A SIGHUP that nohup has turned off stays off.
    """
    for number in SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, _frame: FrameType | None) -> None:
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)


@contextmanager
def held() -> Iterator[None]:
    """Keeps the signals that come meanwhile until the end of the context, where the first one is raised."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heard = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])
        if came:
            signal.raise_signal(signal.Signals(came[0]))
