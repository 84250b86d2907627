"""Which backend a service is computed with, from what was tried: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from paddle_serving_runtime.paddle_model.switches import Asked, Backend

_WORTH = 0.9
"""The share of Default's time that another backend may take at most: a smaller gain is within the noise."""


@dataclass(frozen=True)
class Trial:
    """What came out with one backend.

    `milliseconds` is the CPU time of the models for the golden samples, 0 where none was measured. `failure` says why
    it cannot compute the package, `difference` in what its answers are not the recorded ones; empty where there is
    nothing to say. `same_bits` is whether every answer is Default's, bit for bit.
    """

    backend: Backend
    milliseconds: float
    failure: str
    difference: str
    same_bits: bool


@dataclass(frozen=True)
class Choice:
    """The backend that was asked for, the one that is taken, and why."""

    asked: Asked
    backend: Backend
    reasons: tuple[str, ...]
    trials: tuple[Trial, ...]

    def as_json(self) -> dict[str, Any]:
        """The fields as the report has them."""
        trials = [
            {
                "backend": trial.backend,
                "cpuMilliseconds": round(trial.milliseconds, 3),
                "sameBits": trial.same_bits,
                "reason": trial.failure or trial.difference,
            }
            for trial in self.trials
        ]
        return {"asked": self.asked, "backend": self.backend, "reasons": [*self.reasons], "trials": trials}

    def to_fields(self) -> dict[str, Any]:
        """The same for another process of the runtime."""
        return asdict(self)

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The other way; raises KeyError or TypeError where it is none."""
        trials = tuple(Trial(**trial) for trial in fields["trials"])
        return cls(fields["asked"], fields["backend"], tuple(fields["reasons"]), trials)


def not_tried(asked: Asked, reason: str) -> Choice:
    """Default, because nothing could be tried."""
    return Choice(asked, "Default", (f"The backend is Default: {reason}.",), ())


def choose(asked: Asked, trials: Sequence[Trial]) -> Choice:
    """The backend for what was asked; `trials` are of Default and of every other one, or of the one that was asked."""
    if asked == "Auto":
        return _fastest(trials)
    for trial in trials:
        if trial.backend == asked and trial.failure:
            return Choice(asked, "Default", (f"The backend is Default: {trial.failure}.",), tuple(trials))
    backend: Backend = asked
    return Choice(asked, backend, (), tuple(trials))


def _fastest(trials: Sequence[Trial]) -> Choice:
    """The fastest of those that agree with the recorded answers; Default where none of the others gains by it."""
    agreeing = {trial.backend: trial for trial in trials if not trial.failure and not trial.difference}
    usable = [trial for trial in agreeing.values() if trial.backend != "NewExecutor" or trial.same_bits]
    best = min(usable, key=lambda trial: trial.milliseconds, default=None)
    default = agreeing.get("Default")
    backend: Backend = best.backend if best is not None else "Default"
    if best is not None and default is not None and best.milliseconds > _WORTH * default.milliseconds:
        backend = "Default"
    measured = [f"{trial.backend} {trial.milliseconds:.3g} ms" for trial in trials if trial.milliseconds]
    times = f" (CPU time of the models: {', '.join(measured)})" if measured else ""
    refused = (
        f"{trial.backend} is not taken: {trial.failure or trial.difference}."
        for trial in trials
        if trial.failure or trial.difference
    )
    return Choice("Auto", backend, (f"Auto has taken {backend}{times}.", *refused), tuple(trials))
