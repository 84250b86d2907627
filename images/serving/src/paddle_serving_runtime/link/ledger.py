"""What the workers of a pod have found out about runs that requests share, readable by all of them and the supervisor.

A file of all workers, which outlives each of them: whether an audit has found a difference, and for every worker its
shared runs, how many of them were computed again, how many of those differed, and whether it proves such runs now: a
process that ends while it does must not be followed by one that tries again, or by any after that.
"""

import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

WORKERS = 64
"""Workers that a pod can have."""

PROOF_SECONDS = 20.0
"""What a worker's proof takes at most, of the clock, beside the time of one request."""

_FLAG = struct.Struct("=q")
_ENTRY = struct.Struct("=qqq")
_PROVING = struct.Struct("=b")
_NOT_BEGUN, _BEGUN, _NEVER = range(3)
_PROVING_AT = _FLAG.size + _ENTRY.size * WORKERS
_BYTES = _PROVING_AT + _PROVING.size * WORKERS


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
        self._proving_at = _PROVING_AT + _PROVING.size * worker

    def begin_proof(self) -> bool:
        """Whether this worker may prove runs: not where one before it in its place has not come to an end of it."""
        (state,) = _PROVING.unpack_from(self._memory, self._proving_at)
        if state == _NOT_BEGUN:
            self._note(_BEGUN)
        return bool(state == _NOT_BEGUN)

    def end_proof(self) -> None:
        """It has come to an end."""
        self._note(_NOT_BEGUN)

    def _note(self, state: int) -> None:
        _PROVING.pack_into(self._memory, self._proving_at, state)

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
        entries = path.read_bytes()[_FLAG.size : _PROVING_AT]
    except OSError:
        return [Audits()] * workers
    return [Audits(*entry) for entry in _ENTRY.iter_unpack(entries)][:workers]


def is_proving(path: Path, worker: int) -> bool:
    """Whether the worker with this number has begun to prove runs and not come to an end."""
    try:
        return path.read_bytes()[_PROVING_AT + _PROVING.size * worker] == _BEGUN
    except (OSError, IndexError):
        return False


def prepare_successor(path: Path, worker: int) -> None:
    """To be called before another worker takes the place: it proves nothing where the one before it ended in that."""
    if is_proving(path, worker):
        with path.open("r+b") as file:
            file.seek(_PROVING_AT + _PROVING.size * worker)
            file.write(_PROVING.pack(_NEVER))


def is_off(path: Path) -> bool:
    """Whether an audit of any worker has found a difference."""
    try:
        return any(path.read_bytes()[: _FLAG.size])
    except OSError:
        return False
