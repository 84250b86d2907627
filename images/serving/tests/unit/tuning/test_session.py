"""What is in the table where not everything can be timed."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from paddle_serving_runtime.consistency import Answer
from paddle_serving_runtime.paddle_model.computing import Computing
from paddle_serving_runtime.supervisor.allocator import SYSTEM
from paddle_serving_runtime.tuning import session
from paddle_serving_runtime.tuning.plan import Group
from paddle_serving_runtime.tuning.session import NO_ROOM, Session, Subject


class Still:
    """A process that computes one request a second in 100 MiB."""

    loaded: Mapping[str, Any] = {"backends": ["Default"], "capacity": 1, "batching": None, "warnings": []}
    answers: Mapping[str, Answer] = {"a.npz": {"y": np.ones(1, np.float32)}}

    @classmethod
    async def start(cls, *_: object) -> Self:
        return cls()

    async def ready(self) -> None:
        """At once."""

    async def run(self, seconds: float, together: int) -> dict[str, float]:
        return {"requests": seconds * together, "seconds": seconds, "cpu": seconds, "p50": 1.0, "mib": 100.0}

    async def end(self) -> None:
        """At once."""


@pytest.mark.parametrize(
    ("free_mib", "workers", "note"), [(1000.0, [1, 4], ""), (300.0, [1, 3], ""), (100.0, [1, 4], NO_ROOM)]
)
def test_workers_for_which_there_is_no_memory_are_named(
    monkeypatch: pytest.MonkeyPatch, free_mib: float, workers: list[int], note: str
) -> None:
    monkeypatch.setattr(session, "Probe", Still)
    monkeypatch.setattr(session, "available_mib", lambda: free_mib)
    computing = Computing(ir_optim=True, onednn=True, threads=1, device="cpu", overrides=(), script="")
    subject = Subject(Path("package"), {}, computing, SYSTEM, Path("folder"))
    found = asyncio.run(Session(subject, [Group("Default", 1, 4)], 60, lambda _: None).run())
    assert [row.setting.workers for row in found.rows] == workers
    assert (found.rows[-1].note, found.rows[-1].requests_per_second is None) == (note, bool(note))
