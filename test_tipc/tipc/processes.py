"""Commands and the server as processes of our own: each in its own session, so that nothing else is ever stopped."""

import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tipc import stopping

STOP_SECONDS = 15.0
PAUSE = 0.1
TIME_OVER = 124
"""The exit status of timeout(1)."""


def run(
    command: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    log: Path,
    seconds: float,
    *,
    quiet_seconds: float = math.inf,
    quiet: Callable[[], bool] = lambda: False,
) -> int:
    """Runs a command with stdout and stderr into `log`; returns its exit status, TIME_OVER when the time was over.

    The time is over after `seconds`, or after `quiet_seconds` where it is `quiet()` then. A command that cannot be
    started is 127 with the reason in the log, as in a shell.
    """
    try:
        with Process(command, cwd, env, log) as process:
            status = process.wait(min(seconds, quiet_seconds))
            if status == TIME_OVER and seconds > quiet_seconds and not quiet():
                status = process.wait(seconds - quiet_seconds)
            return status
    except OSError as error:
        log.write_text(f"{command[0]}: {error.strerror}\n", encoding="utf-8")
        return 127


class Process:
    """A command in a session of its own, from entering the context until it is left.

    Leaving stops its whole process group, and only that one. Entering raises OSError where it cannot be started.
    """

    def __init__(self, command: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path) -> None:
        self._command = list(command)
        self._cwd = cwd
        self._env = dict(env)
        self._log = log
        self._process: subprocess.Popen[bytes]

    @property
    def exit_status(self) -> int | None:
        """The exit status, None while it runs."""
        return self._process.poll()

    def alive(self) -> bool:
        """Whether the command still runs."""
        return self._process.poll() is None

    def wait(self, seconds: float) -> int:
        """The exit status, TIME_OVER where the command still runs after `seconds`."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return TIME_OVER

    def stop(self) -> None:
        """Ends the process group: SIGTERM, and SIGKILL for what is left after 15 seconds."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and self._group_exists():
            self._process.poll()
            time.sleep(PAUSE)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _group_exists(self) -> bool:
        self._process.poll()
        try:
            os.killpg(self._process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def __enter__(self) -> Self:
        started = False
        try:
            # else a signal between start and return would leave the process behind
            with stopping.held(), self._log.open("wb") as output:
                self._process = subprocess.Popen(
                    self._command,
                    cwd=self._cwd,
                    env=self._env,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                started = True
        except BaseException:
            if started:
                self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
