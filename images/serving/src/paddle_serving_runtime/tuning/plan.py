"""What is tried, in which order: pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from typing_extensions import override

from paddle_serving_runtime.paddle_model.switches import Backend
from paddle_serving_runtime.words import counted

MOST_WORKERS = 64

_SHORTEST, _LONGEST = 0.25, 2.0
"""Seconds of a run: a shorter one says nothing, a longer one little more."""


@dataclass(frozen=True)
class Setting:
    """How a package may be computed: `batched` lets requests that come together share runs."""

    backend: Backend
    threads: int
    workers: int
    batched: bool = False

    @property
    def cpus(self) -> int:
        """How many it keeps busy."""
        return self.threads * self.workers

    @override
    def __str__(self) -> str:
        parts = f"{self.backend}, {counted(self.workers, 'worker')} of {counted(self.threads, 'thread')}"
        return f"{parts}, batching" if self.batched else parts


@dataclass(frozen=True)
class Group:
    """The settings that the same processes can have: one worker alone, and `workers` of them at once."""

    backend: Backend
    threads: int
    workers: int

    def settings(self, *, batched: bool) -> tuple[Setting, ...]:
        """One worker, then all of them; with each its shared runs, where there are any."""
        kinds = (False, True) if batched else (False,)
        return tuple(
            Setting(self.backend, self.threads, count, kind) for count in sorted({1, self.workers}) for kind in kinds
        )


def plan(backends: Sequence[Backend], cpus: int) -> tuple[Group, ...]:
    """Every backend with 1, 2, 4, ... threads and with all CPUs for one worker; few threads, which pay most, first."""
    counts = {2**power for power in range(cpus.bit_length()) if 2**power <= cpus} | {cpus}
    return tuple(
        Group(backend, threads, min(cpus // threads, MOST_WORKERS))
        for threads in sorted(counts)
        for backend in backends
    )


def run_seconds(left: float, runs: int, loading: float) -> float:
    """How long one of so many runs may take, where `loading` seconds of what is left are for loading models."""
    return min(max((left - loading) / max(1, runs), _SHORTEST), _LONGEST)
