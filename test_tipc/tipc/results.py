"""What a run says: status lines in results_serving.log, and rows of a table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tipc.tolerances import EXACT

YELLOW, RESET = "\033[33m", "\033[0m"
COLUMNS = (
    ("model", "model"),
    ("target", "target"),
    ("asked_device", "device asked for"),
    ("device", "device"),
    ("backend", "backend"),
    ("client", "client"),
    ("batch_size", "batchsize"),
    ("tensorrt", "tensorrt"),
    ("onednn", "mkldnn"),
    ("threads", "cpu threads"),
    ("precision", "precision"),
    ("latency_ms", "latency ms"),
    ("consistent", "equals Paddle Inference"),
    ("author", "the author's inference"),
    ("served", "served"),
    ("reference", "Paddle Inference"),
    ("types", "types"),
    ("max_absolute_error", "largest absolute error"),
    ("max_relative_error", "largest relative error"),
    ("status", "status"),
)
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclass(frozen=True)
class Row:
    """The outcome of one client against one combination; `-` stands for a switch that the configuration leaves alone.

    `tolerance` is `exact` or `RTOL|ATOL`, and `consistent` is `yes`, `yes, within RTOL|ATOL`, `no`, or `not
    compared`; `author` says whether the author's own inference was asked, and whether it agrees; `printed` what
    became of the client's own output; `served` and `reference` are the first answer of both sides, and `types` its
    types; the errors are the largest over every side and request. `device` is what the worker reported, `-` where
    none did, and `asked_device` what it was asked for; `status` is PASSED, FAILED or SKIPPED, and `why` the
    sentence that says the reason of the last two. `backend` is which of Paddle's engines has computed, as the worker
    reported it.
    """

    model: str
    target: str
    asked_device: str
    device: str
    backend: str
    client: str
    batch_size: int
    tensorrt: str
    onednn: str
    threads: str
    precision: str
    latency_ms: float | None
    consistent: str
    tolerance: str
    author: str
    printed: str
    requests: int
    served: str
    reference: str
    types: str
    max_absolute_error: float | None
    max_relative_error: float | None
    status: str
    why: str


def equality(tolerance: str, why: str) -> str:
    """What a row says where two sides were compared, and are equal under the tolerance if `why` is empty."""
    if why:
        return "no"
    return "yes" if tolerance == EXACT else f"yes, within {tolerance}"


def status_line(outcome: str, command: str) -> str:
    """The line of the original's status_check, byte for byte: consumers look for `Run failed with command`.

    The original's outcomes are `successfully` and `failed`.
    """
    return f"{YELLOW} Run {outcome} with command - {command}!  {RESET}"


class StatusLog:
    """results_serving.log, begun anew; every line goes to stdout too. `prefix` stands before each command."""

    def __init__(self, path: Path, prefix: str = "") -> None:
        self.path = path
        self.prefix = prefix
        self.failures = 0
        path.write_text("", encoding="utf-8")

    def check(self, ok: bool, command: str, why: str = "") -> bool:  # noqa: FBT001
        """Writes one status line, and on stdout the reason of a failure. Returns `ok`."""
        self.failures += not ok
        self._write(status_line("successfully" if ok else "failed", self.prefix + command), "" if ok else why)
        return ok

    def skip(self, command: str, why: str) -> None:
        """Writes the line of a command that is not run here, and on stdout the reason."""
        self._write(status_line("skipped", self.prefix + command), why)

    def _write(self, line: str, why: str) -> None:
        print(line, flush=True)
        if why:
            print(f"  {why}", flush=True)
        with self.path.open("a", encoding="utf-8") as log:
            log.write(line + "\n")


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a table, ready for docs/test_serving.md, followed by the reasons of those that did not pass."""
    lines = ["| " + " | ".join(title for _, title in COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for row in rows:
        values = asdict(row)
        lines.append("| " + " | ".join(_cell(values[name]) for name, _ in COLUMNS) + " |")
    failures = [f"- {row.status}: {row.asked_device}, {row.client}: {row.why}" for row in rows if row.why]
    return "\n".join([*lines, *(["", *failures] if failures else [])]) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")
