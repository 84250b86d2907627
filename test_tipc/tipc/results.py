"""What a run leaves behind: status lines in results_serving.log, and rows of a table as Markdown and JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

YELLOW, RESET = "\033[33m", "\033[0m"
COLUMNS = (
    ("model", "model"),
    ("target", "target"),
    ("device", "device"),
    ("client", "client"),
    ("batch_size", "batchsize"),
    ("tensorrt", "tensorrt"),
    ("onednn", "mkldnn"),
    ("threads", "cpu threads"),
    ("precision", "precision"),
    ("latency_ms", "latency ms"),
    ("consistent", "equals Paddle Inference"),
)


@dataclass(frozen=True)
class Row:
    """The outcome of one client against one combination; `-` stands for a switch that the configuration leaves alone.

    `consistent` is `yes`, `no`, or `not compared`; `why` is empty or the sentence that says what went wrong.
    """

    model: str
    target: str
    device: str
    client: str
    batch_size: int
    tensorrt: str
    onednn: str
    threads: str
    precision: str
    latency_ms: float | None
    consistent: str
    requests: int
    max_absolute_error: float | None
    max_relative_error: float | None
    why: str


def status_line(ok: bool, command: str) -> str:  # noqa: FBT001 - the one fact that the line is about
    """The line of the original's status_check, byte for byte: consumers look for `Run failed with command`."""
    outcome = "successfully" if ok else "failed"
    return f"{YELLOW} Run {outcome} with command - {command}!  {RESET}"


class StatusLog:
    """results_serving.log, begun anew; every line goes to stdout too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failures = 0
        path.write_text("", encoding="utf-8")

    def check(self, ok: bool, command: str, why: str = "") -> bool:  # noqa: FBT001
        """Writes one status line, and on stdout the reason of a failure. Returns `ok`."""
        line = status_line(ok, command)
        print(line, flush=True)
        if not ok:
            self.failures += 1
            print(f"  {why}", flush=True)
        with self.path.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
        return ok


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a table, ready for docs/test_serving.md, followed by what went wrong."""
    lines = ["| " + " | ".join(title for _, title in COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for row in rows:
        values = asdict(row)
        lines.append("| " + " | ".join(_cell(values[name]) for name, _ in COLUMNS) + " |")
    failures = [f"- {row.device}, {row.client}: {row.why}" for row in rows if row.why]
    return "\n".join([*lines, *(["", *failures] if failures else [])]) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value).replace("|", "\\|")


def write_report(folder: Path, name: str, rows: Sequence[Row]) -> Path:
    """report_<name>.md and .json in `folder`, each complete or not there. Returns the Markdown file."""
    table = folder / f"report_{name}.md"
    _replace(table, markdown(rows))
    _replace(folder / f"report_{name}.json", json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return table


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
