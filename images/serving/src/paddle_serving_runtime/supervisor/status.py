"""What the admin port tells: the supervisor's state in the forms that probes, Prometheus and people read."""

from collections import Counter
from pathlib import Path
from typing import Any

from paddle_serving_runtime.front import FrontError
from paddle_serving_runtime.model import manifest
from paddle_serving_runtime.supervisor import metrics
from paddle_serving_runtime.supervisor.front_keeper import FrontKeeper
from paddle_serving_runtime.supervisor.readiness import Readiness, readiness
from paddle_serving_runtime.supervisor.settings import ServeSettings
from paddle_serving_runtime.supervisor.slot import WorkerSlot
from paddle_serving_runtime.supervisor.standby import Standby
from paddle_serving_runtime.supervisor.statistics import Statistics
from paddle_serving_runtime.supervisor.verifier import Verifier


class PodStatus:
    """The state of one pod; `draining` is set by the supervisor."""

    def __init__(
        self,
        settings: ServeSettings,
        front: FrontKeeper,
        verifier: Verifier,
        slots: tuple[WorkerSlot, ...],
        statistics: Statistics,
        standby: Standby,
    ) -> None:
        self.draining = False
        self._statistics = statistics
        self._standby = standby
        self._digest = settings.digest or _digest(settings.model_dir)
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

    def report(self) -> dict[str, Any]:
        """What was verified, and what computed it."""
        loaded = self.loaded()
        return {
            "verdict": self._verifier.evidence.verdict,
            "samples": self._verifier.samples,
            "workers": len(self._slots),
            "modelDigest": self._digest,
            "paddleVersion": loaded.get("paddleVersion", ""),
            "device": loaded.get("device", self._settings.device),
            "comparisons": self._verifier.evidence.as_json(),
        }

    async def metrics(self) -> bytes:
        """Prometheus text."""
        self._front.read_log()
        loaded = self.loaded()
        model = {
            "name": self._settings.name,
            "digest": self._digest,
            "paddle_version": str(loaded.get("paddleVersion", "")),
            "device": str(loaded.get("device", self._settings.device)),
        }
        snapshot = metrics.Snapshot(
            statistics=self._statistics,
            phases=Counter(str(slot.phase) for slot in self._slots),
            standby=self._standby.imported,
            queue=await self._queue(),
            ready=self.readiness().ready,
            verdict=self._verifier.evidence.verdict,
            model=model,
        )
        return metrics.render(snapshot)

    async def _queue(self) -> int | None:
        try:
            return await self._front.queue_length()
        except FrontError:
            return None

    def loaded(self) -> dict[str, Any]:
        """What a worker reported when it had loaded; empty before there is one."""
        return next((slot.loaded for slot in self._slots if slot.loaded), {})


def _digest(model_dir: Path) -> str:
    """The digest of a package that nobody has asked to verify; empty where it has no manifest."""
    path = model_dir / manifest.MANIFEST
    return f"sha256:{manifest.file_digest(path)}" if path.is_file() else ""
