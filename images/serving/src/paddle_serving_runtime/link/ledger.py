"""What the workers of a pod have found out about runs that requests share, readable by all of them and the supervisor.

A file of all workers, which outlives each of them: whether an audit has found a difference, and for every worker its
shared runs, how many of them were computed again, and how many of those differed.
"""

import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

WORKERS = 64
"""Workers that a pod can have."""

_FLAG = struct.Struct("=q")
_ENTRY = struct.Struct("=qqq")
_BYTES = _FLAG.size + _ENTRY.size * WORKERS


@dataclass(frozen=True)
class Audits:
    """A worker's shared runs, those that were computed again row by row, and those of them that had other bits."""

    shared: int = 0
    audited: int = 0
    differences: int = 0


def create(path: Path) -> None:
    """An empty ledger."""
    path.write_bytes(bytes(_BYTES))


class WorkerLedger:
    """The side of the worker with the number `worker`: it counts its own runs, and sees what the others have found."""

    def __init__(self, path: Path, worker: int) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _BYTES)
        self._at = _FLAG.size + _ENTRY.size * worker

    @property
    def off(self) -> bool:
        """Whether an audit of any worker has found a difference."""
        return bool(_FLAG.unpack_from(self._memory)[0])

    def shared(self) -> None:
        """Requests have shared a run."""
        self._add(1, 0, 0)

    def audited(self, *, differs: bool) -> None:
        """A shared run was computed again; one that differs ends them in every worker."""
        if differs:
            _FLAG.pack_into(self._memory, 0, 1)
        self._add(0, 1, int(differs))

    def _add(self, *counts: int) -> None:
        before = _ENTRY.unpack_from(self._memory, self._at)
        sums = (count + more for count, more in zip(before, counts, strict=True))
        _ENTRY.pack_into(self._memory, self._at, *sums)


def audits(path: Path, workers: int) -> Sequence[Audits]:
    """Those of every worker, by its number; nothing has happened where there is no ledger yet."""
    try:
        entries = path.read_bytes()[_FLAG.size :]
    except OSError:
        return [Audits()] * workers
    return [Audits(*entry) for entry in _ENTRY.iter_unpack(entries)][:workers]


def is_off(path: Path) -> bool:
    """Whether an audit of any worker has found a difference."""
    try:
        return any(path.read_bytes()[: _FLAG.size])
    except OSError:
        return False
