"""What the threads and processes of the Ops tell their worker, a line on a pipe each."""

import os
import select
from dataclasses import asdict, dataclass
from typing import Literal

import orjson

_MESSAGE = 2000
"""Characters: a line up to 4096 bytes is written to a pipe in one piece, whoever else writes."""


@dataclass(frozen=True)
class OpEvent:
    """An Op is ready, could not be initialised, or has ended; `reason` is that of the ServingError to raise."""

    op: str
    kind: Literal["ready", "failed", "ended"]
    reason: str = ""
    message: str = ""


class OpEvents:
    """The pipe: every thread and every forked process of the worker may report on it."""

    def __init__(self) -> None:
        self.read_end, self._write_end = os.pipe()
        self._rest = b""

    def report(self, event: OpEvent) -> None:
        """Tells the worker; any thread or process of it."""
        fields = asdict(event)
        fields["message"] = event.message.encode("ascii", "backslashreplace").decode()[:_MESSAGE]
        os.write(self._write_end, orjson.dumps(fields) + b"\n")

    def take(self, timeout: float) -> tuple[OpEvent, ...]:
        """What was reported since; waits up to `timeout` seconds for the first."""
        if not select.select([self.read_end], [], [], timeout)[0]:
            return ()
        *lines, self._rest = (self._rest + os.read(self.read_end, 1 << 16)).split(b"\n")
        return tuple(self._parsed(line) for line in lines)

    @staticmethod
    def _parsed(line: bytes) -> OpEvent:
        return OpEvent(**orjson.loads(line))
