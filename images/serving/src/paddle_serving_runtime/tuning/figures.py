"""What came out for each setting, and what follows from it: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

from paddle_serving_runtime.consistency import EXACT, Answer, compare, describe
from paddle_serving_runtime.package.golden import DEFAULT_TOLERANCE, Recorded
from paddle_serving_runtime.tuning.plan import Setting
from paddle_serving_runtime.verdict.verification import compare_recorded

Agreement = Literal["same bits", "within tolerance", "differs"]

_AS_FAST = 0.95
"""The share of the most requests per second that counts as no difference."""

_BESIDE_MIB = 384
"""Of a pod beside its workers and the reference: supervisor, HAProxy, and the process that stands by."""

_STEP_MIB = 256


@dataclass(frozen=True)
class Row:
    """The figures of a setting, None where `note` says why there are none.

    `requests` share a run. `p50_ms` is the time of a run, `cpu_ms` the processor time of a request, `worker_mib` the
    most memory that one worker has taken. `agreement` is about the answers to the golden samples.
    """

    setting: Setting
    requests: int = 1
    requests_per_second: float | None = None
    p50_ms: float = 0.0
    cpu_ms: float = 0.0
    worker_mib: float = 0.0
    agreement: Agreement | None = None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The fields of `tune --output json`."""
        measured = self.requests_per_second is not None
        return {
            "backend": self.setting.backend,
            "threadsPerWorker": self.setting.threads,
            "workers": self.setting.workers,
            "batching": self.setting.batched,
            "requestsOfARun": self.requests,
            "requestsPerSecond": round(self.requests_per_second, 2) if self.requests_per_second is not None else None,
            "p50Milliseconds": round(self.p50_ms, 3) if measured else None,
            "cpuMilliseconds": round(self.cpu_ms, 3) if measured else None,
            "workerMiB": round(self.worker_mib) if measured else None,
            "answers": self.agreement,
            "note": self.note,
        }


def agreement(
    answers: Mapping[str, Answer], default: Mapping[str, Answer], recorded: Mapping[str, Recorded]
) -> tuple[Agreement, str]:
    """How answers by sample stand to Default's with one thread and to the recorded ones, and the first difference.

    They differ where one is outside of the tolerance that was recorded with its answer; where none is recorded, outside
    of the default tolerance around Default's. Else they have the same bits as Default's, or other bits.
    """
    for name, answer in answers.items():
        found = (
            compare_recorded(name, answer, recorded[name])
            if name in recorded
            else compare(name, answer, default[name], DEFAULT_TOLERANCE, "this setting", "Default with one thread")
        )
        if wrong := next((one for one in found if not one.equal), None):
            return "differs", describe(wrong)
    same = all(one.equal for name in answers for one in compare(name, answers[name], default[name], EXACT, "", ""))
    return ("same bits" if same else "within tolerance"), ""


def best(rows: Sequence[Row]) -> Row | None:
    """The row to take: the most requests per second of those whose answers do not differ; None where there is none.

    Of rows that are as fast within the noise, the one that takes the fewest CPUs, then Default, then the shortest run.
    """
    usable = [row for row in rows if row.requests_per_second is not None and row.agreement not in (None, "differs")]
    most = max((row.requests_per_second or 0.0 for row in usable), default=0.0)
    fast = [row for row in usable if (row.requests_per_second or 0.0) >= _AS_FAST * most]
    return min(fast, key=lambda row: (row.setting.cpus, row.setting.backend != "Default", row.p50_ms), default=None)


def memory_mib(row: Row) -> int:
    """The limit for a pod: its workers, the reference while it starts, and what is beside them."""
    needed = (row.setting.workers + 1) * row.worker_mib + _BESIDE_MIB
    return ceil(needed / _STEP_MIB) * _STEP_MIB


def yaml_of(row: Row, *, batches: bool) -> str:
    """The lines of a PaddleService's spec for a row; `batches`: it decides whether requests share runs."""
    setting = row.setting
    # a PaddleService does not name this one; Auto takes it where its answers have Default's bits
    backend = "Auto" if setting.backend == "NewExecutor" else setting.backend
    mode = "Auto" if setting.batched else '"Off"'
    batching = f"  batching: {{mode: {mode}}}\n" if batches else ""
    engine = f"  backend: {backend}\n  workers: {setting.workers}\n  threadsPerWorker: {setting.threads}\n{batching}"
    return (
        f"engine:\n{engine}"
        f'resources:\n  requests: {{cpu: "{setting.cpus}"}}\n'
        f'  limits: {{cpu: "{setting.cpus}", memory: {memory_mib(row)}Mi}}\n'
    )
