"""The memory of a running process, read and changed from outside as a faulty memory cell would: by /proc/PID/mem.

Only for processes that the caller has started.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_REGION = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw")


def find(pid: int, pattern: bytes) -> list[int]:
    """The addresses at which the process can write and has these bytes."""
    found = []
    for start, content in _regions(pid):
        at = content.find(pattern)
        while at >= 0:
            found.append(start + at)
            at = content.find(pattern, at + 1)
    return found


def flip(pid: int, address: int, bit: int) -> None:
    """Turns one bit over: number `bit` of the byte at `address`, 0 is the lowest; 8 is in the next byte."""
    with Path(f"/proc/{pid}/mem").open("r+b", buffering=0) as memory:
        memory.seek(address + bit // 8)
        (byte,) = memory.read(1)
        memory.seek(address + bit // 8)
        memory.write(bytes([byte ^ 1 << bit % 8]))


def _regions(pid: int) -> Iterator[tuple[int, bytes]]:
    """Address and content of everything that the process can write, as far as it can be read."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            if match := _REGION.match(line):
                start, end = (int(text, 16) for text in match.groups())
                with suppress(OSError, ValueError):
                    memory.seek(start)
                    yield start, memory.read(end - start)
