"""Runs other programs: short ones for what they print, long ones into a log."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import join

from e2e.kind.errors import CommandError

NOT_FOUND = 127
TIMED_OUT = 124


@dataclass(frozen=True)
class Result:
    """How a program ended: exit status (127: no such program, 124: out of time) and what it printed."""

    status: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        """Whether the program ended with status 0."""
        return self.status == 0


def capture(
    args: Sequence[str | Path],
    *,
    timeout: float,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
) -> Result:
    """Runs a program to its end, or for `timeout` seconds. Never raises for what the program does.

    `env` is added to the environment.
    """
    words = [str(arg) for arg in args]
    full_env = {**os.environ, **(env or {})}
    try:
        done = subprocess.run(
            words, input=stdin, capture_output=True, text=True, timeout=timeout, check=False, env=full_env
        )
    except (FileNotFoundError, PermissionError) as error:
        return Result(NOT_FOUND, "", str(error))
    except subprocess.TimeoutExpired:
        return Result(TIMED_OUT, "", f"no answer within {timeout:g} s")
    return Result(done.returncode, done.stdout, done.stderr)


def logged(
    args: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
) -> None:
    """Runs a program, appending the command and all it prints to `log`. `env` is added to the environment.

    Raises CommandError when it ends with another status than 0 or does not exist.
    """
    words = [str(arg) for arg in args]
    with log.open("a") as file:
        file.write(f"$ {join(words)}\n")
        file.flush()
        try:
            done = subprocess.run(
                words,
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                check=False,
            )
        except OSError as error:
            file.write(f"{error}\n")
            file.flush()
            raise CommandError(join(words[:3]), NOT_FOUND, log) from error
    if done.returncode != 0:
        raise CommandError(join(words[:3]), done.returncode, log)


def wait_until(done: Callable[[], bool], seconds: float, interval: float = 0.3) -> bool:
    """Asks until `done` is true or the time is over; returns whether it became true."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True
