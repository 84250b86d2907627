"""What the admin port tells: the supervisor's state in the forms that probes, Prometheus and people read."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from paddle_serving_runtime.evidence.origin import Origin
from paddle_serving_runtime.evidence.report import MAX_BYTES, Proof, bounded, document
from paddle_serving_runtime.front import FrontError
from paddle_serving_runtime.link.ledger import audits, is_off
from paddle_serving_runtime.supervisor import metrics
from paddle_serving_runtime.supervisor.drifts import Drifts
from paddle_serving_runtime.supervisor.front_keeper import FrontKeeper
from paddle_serving_runtime.supervisor.model_statistics import ModelStatistics
from paddle_serving_runtime.supervisor.origin import completed
from paddle_serving_runtime.supervisor.readiness import Readiness, readiness
from paddle_serving_runtime.supervisor.replay_buffer import ReplayBuffer
from paddle_serving_runtime.supervisor.settings import ServeSettings
from paddle_serving_runtime.supervisor.shared_runs import SharedRuns
from paddle_serving_runtime.supervisor.slot import WorkerSlot
from paddle_serving_runtime.supervisor.standby import Standby
from paddle_serving_runtime.supervisor.statistics import Statistics
from paddle_serving_runtime.supervisor.verifier import Verifier


class PodStatus:
    """The state of one pod; `draining` is set by the supervisor."""

    def __init__(
        self,
        settings: ServeSettings,
        origin: Origin,
        front: FrontKeeper,
        verifier: Verifier,
        slots: tuple[WorkerSlot, ...],
        *,
        statistics: Statistics,
        standby: Standby,
        replay: ReplayBuffer | None,
        drifts: Drifts | None,
    ) -> None:
        self.draining = False
        self._statistics = statistics
        self._standby = standby
        self._replay = replay
        self._drifts = drifts
        self._origin = origin
        self._settings = settings
        self._front = front
        self._verifier = verifier
        self._slots = slots

    @property
    def started(self) -> bool:
        """Whether every worker has been verified at least once."""
        return all(slot.verified for slot in self._slots)

    def alive(self) -> bool:
        """Whether the front lives; that this is answered says that the supervisor does."""
        return self._front.alive or self.draining

    def readiness(self) -> Readiness:
        """Whether the pod is ready."""
        phases = [slot.phase for slot in self._slots]
        return readiness(phases, verified_once=self.started, draining=self.draining)

    def report(self, limit: int = MAX_BYTES) -> dict[str, Any]:
        """What was verified, and what computed it, in at most `limit` bytes; signed where there is a key."""
        recheck = self._statistics.rechecks.as_json()
        drift = self._drifts.last if self._drifts is not None else None
        shared = self._shared_runs()
        told = {
            "allocator": self._settings.allocator.as_json(),
            "choice": self._settings.choice.as_json() if self._settings.choice is not None else None,
            "drift": drift,
            "recheck": recheck,
            "warmup": self.loaded().get("warmup"),
            "batching": shared.as_json() if shared else None,
        }
        report = bounded({**document(self._proof()), **told}, limit)
        return self._settings.sign(report) if self._settings.sign else report

    def _shared_runs(self) -> SharedRuns | None:
        batching = self._settings.batching
        if not batching.on or not self._slots:
            return None
        ledger = self._slots[0].ledger
        proofs = [slot.loaded.get("batching") or {} for slot in self._slots]
        return SharedRuns(batching.max_rows, proofs, audits(ledger, len(self._slots)), is_off(ledger))

    def _proof(self) -> Proof:
        loaded = self.loaded()
        return Proof(
            origin=completed(self._origin, self._verifier.reference, loaded),
            evidence=self._verifier.evidence,
            samples=self._verifier.samples,
            recorded=self._verifier.recorded,
            workers=len(self._slots),
            consistency=self._settings.consistency.as_json(),
            warnings=[*loaded.get("warnings", []), *self._verifier.warnings],
        )

    async def metrics(self) -> bytes:
        """Prometheus text."""
        await self._front.read_log()
        loaded = self.loaded()
        model = {
            "name": self._settings.name,
            "digest": self._origin.model_digest,
            "paddle_version": str(loaded.get("paddleVersion", "")),
            "device": str(loaded.get("device", self._settings.computing.device)),
            "backend": self._settings.computing.backend,
        }
        snapshot = metrics.Snapshot(
            statistics=self._statistics,
            phases=Counter(str(slot.phase) for slot in self._slots),
            standby=self._standby.imported,
            queue=await self._queue(),
            ready=self.readiness().ready,
            verdict=self._verifier.evidence.verdict,
            model=model,
            shared_runs=self._shared_runs(),
            kept=(self._replay.requests, self._replay.size) if self._replay is not None else None,
        )
        return metrics.render(snapshot)

    async def _queue(self) -> int | None:
        try:
            return await self._front.queue_length()
        except FrontError:
            return None

    async def model_statistics(self) -> Mapping[int, ModelStatistics]:
        """What has been counted until now for each model, by its number."""
        await self._front.read_log()
        return self._statistics.models

    def loaded(self) -> dict[str, Any]:
        """What a worker reported when it had loaded; empty before there is one."""
        return next((slot.loaded for slot in self._slots if slot.loaded), {})
