"""A process that is timed, seen by the one that has started it."""

import asyncio
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

import orjson

from paddle_serving_runtime.consistency import Answer
from paddle_serving_runtime.errors import ServingError
from paddle_serving_runtime.link.report import read_line
from paddle_serving_runtime.reference import read
from paddle_serving_runtime.supervisor.allocator import Allocator
from paddle_serving_runtime.supervisor.children import kill
from paddle_serving_runtime.supervisor.launch import computing_environment, python
from paddle_serving_runtime.tuning.options import ProbeOptions

_ANSWERS, _ERRORS = "answers.json", "stderr"
_LINE_BYTES = 2**24


class Probe:
    """Started by `start`, ended by `end`; `loaded` is what it has told when it was ready, empty before."""

    def __init__(self, process: Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self.loaded: Mapping[str, Any] = {}

    @classmethod
    async def start(cls, options: ProbeOptions, allocator: Allocator) -> Self:
        """The process in a session of its own, with the environment of a worker."""
        folder = Path(options.folder)
        # one copy of the engine's library for all of them
        environment = computing_environment(options.computing, allocator, folder.parent)
        with _errors_of(folder) as errors:
            process = await asyncio.create_subprocess_exec(
                *(*python("paddle_serving_runtime.tuning"), options.to_json()),
                stdin=PIPE,
                stdout=PIPE,
                stderr=errors,
                env=environment,
                start_new_session=True,
                limit=_LINE_BYTES,
            )
        return cls(process, folder)

    async def ready(self) -> None:
        """Returns when the package is loaded and every sample answered. Raises the ServingError that it ended with."""
        self.loaded = read_line(await self._line())

    @property
    def answers(self) -> Mapping[str, Answer]:
        """Its answers by sample."""
        return read(self._folder / _ANSWERS).answers

    async def run(self, seconds: float, together: int) -> dict[str, Any]:
        """The figures of so many requests together, for so long. Raises ServingError where it ended meanwhile."""
        if self._process.stdin is None:
            raise AssertionError("started with a pipe")
        with suppress(ConnectionError):
            self._process.stdin.write(f"{seconds} {together}\n".encode())
            await self._process.stdin.drain()
        figures: dict[str, Any] = orjson.loads(await self._line())
        return figures

    async def end(self) -> None:
        """Kills it, with whatever it has started."""
        kill(self._process)
        await self._process.wait()

    async def _line(self) -> bytes:
        line = await self._process.stdout.readline() if self._process.stdout is not None else b""
        if line:
            return line
        status = await self._process.wait()
        how = f"ended with status {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}"
        last = (self._folder / _ERRORS).read_text(errors="replace").strip().splitlines()[-1:]
        said = "".join(last)[:500] or "it said nothing"
        raise ServingError("ProbeFailed", f"The process that computes {how}: {said.rstrip('.')}.")


def _errors_of(folder: Path) -> IO[bytes]:
    """A new folder's file for what the process writes to stderr."""
    folder.mkdir()
    return (folder / _ERRORS).open("wb")
