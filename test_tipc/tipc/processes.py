"""Commands and the server as processes of our own: each in its own session, so that nothing else is ever stopped."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_SECONDS = 15.0
PAUSE = 0.1


def run(command: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path, seconds: float) -> int:
    """Runs a command with stdout and stderr into `log`; returns its exit status, 124 when the time was over.

    A command that cannot be started is 127 with the reason in the log, as in a shell.
    """
    try:
        with Process(command, cwd, env, log) as process:
            return process.wait(seconds)
    except OSError as error:
        log.write_text(f"{command[0]}: {error.strerror}\n", encoding="utf-8")
        return 127


class Process:
    """A command in a session of its own. Leaving the context stops its whole process group, and only that one."""

    def __init__(self, command: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path) -> None:
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                list(command),
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def exit_status(self) -> int | None:
        """The exit status, None while it runs."""
        return self._process.poll()

    def alive(self) -> bool:
        """Whether the command still runs."""
        return self._process.poll() is None

    def wait(self, seconds: float) -> int:
        """The exit status, 124 where the command still runs after `seconds`."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return 124

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
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
