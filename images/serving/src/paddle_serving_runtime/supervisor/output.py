"""What child processes print, as part of the one JSON log."""

import logging
import sys
from asyncio.subprocess import Process
from collections import deque

_LOG = logging.getLogger(__name__)
_LAST_LINES = 5


class Output:
    """Copies the output of a child to the log: JSON lines as they are, anything else as a message of `source`."""

    def __init__(self, process: Process, source: str) -> None:
        self._process = process
        self._source = source
        self._last: deque[str] = deque(maxlen=_LAST_LINES)

    async def copy(self) -> None:
        """Returns when the child has closed its output."""
        stream = self._process.stdout
        if stream is None:
            return
        while True:
            try:
                line = await stream.readline()
            except ValueError:  # longer than a line may be: dropped, the stream goes on behind it
                continue
            if not line:
                return
            self._copy_line(line)

    @property
    def last_words(self) -> str:
        """The last lines that were not log entries: where a crash says what it was."""
        return " | ".join(self._last)

    def _copy_line(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        if text.startswith("{"):
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        elif text:
            self._last.append(text)
            _LOG.info(text, extra={"fields": {"source": self._source}})
