"""What the raw data says: differences, ratios, growth. Pure; tables, plots and goals are made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

RAW = "raw Paddle Inference"
STOCK = "stock pipeline"
DIRECT = "direct engine"
AUTO = "direct engine, backend Auto"
BASELINE = "baseline build"
MODELS = {
    "cls": "PP-OCR cls (plain model, tensor of 110 KB)",
    "rec": "PP-OCRv4 rec (service with Ops, a picture)",
    "uci": "uci_housing (plain model, 13 numbers)",
    "path": "No model to speak of (one row of a tensor of 110 KB): what a request costs on its way",
}
VISION = {
    "mobilenetv3": "MobileNetV3 (plain model, picture of 224 x 224)",
    "resnet50": "ResNet-50 (plain model, picture of 224 x 224)",
}
"""Models that are measured with the direct engine and Paddle Inference alone."""

BUSY = 16
"""Connections at which every predictor is busy."""

_FIFTH = 5

Row = Mapping[str, Any]
Rows = Sequence[Row]


def find(rows: Rows, **wanted: object) -> Row | None:
    """The first row with these values that did not fail."""
    for row in rows:
        if "failed" not in row and all(row.get(key) == value for key, value in wanted.items()):
            return row
    return None


def own_cpu(rows: Rows, row: Row) -> float | None:
    """CPU ms of the predictor alone, as many side by side as the row kept busy."""
    alone = [one for one in rows if one["model"] == row["model"] and one.get("server") == RAW]
    if not alone:
        return None
    alone = sorted(alone, key=lambda one: int(one["connections"]))
    return float(alone[0 if row["connections"] == 1 else -1]["cpu_ms"])


def beyond(rows: Rows, row: Row) -> float | None:
    """CPU ms of a request beyond the predictor's own."""
    own = own_cpu(rows, row)
    return None if own is None else float(row["cpu_ms"]) - own


def rested_cpu(rows: Rows, model: str) -> float | None:
    """CPU ms that a run of the predictor alone takes more after a rest than in a closed loop."""
    alone = find(rows, model=model, server=RAW, connections=1)
    if alone is None or "rested_cpu_ms" not in alone:
        return None
    return float(alone["rested_cpu_ms"]) - float(alone["cpu_ms"])


def ratio(rows: Rows, model: str, protocol: str, connections: int) -> float | None:
    """Requests per second of the direct engine over those of the stock pipeline."""
    direct, stock = (
        find(rows, model=model, server=server, protocol=protocol, connections=connections) for server in (DIRECT, STOCK)
    )
    return _times(direct, stock)


def times_raw(rows: Rows, model: str, server: str, protocol: str) -> float | None:
    """Requests per second at BUSY connections over the runs per second of as many predictors alone as served them."""
    alone = [row for row in settled(rows) if row["model"] == model and row["server"] == RAW]
    return _times(
        find(rows, model=model, server=server, protocol=protocol, connections=BUSY),
        max(alone, key=lambda row: int(row["connections"]), default=None),
    )


def times_before(rows: Rows, model: str, protocol: str) -> tuple[float, str] | None:
    """Requests per second at BUSY connections with the backend Auto over those of the build before, and which it is."""
    auto = find(rows, model=model, server=AUTO, protocol=protocol, connections=BUSY)
    other, name = before(rows, model, protocol, BUSY)
    value = _times(auto, other)
    return None if value is None else (value, name)


def p50_share(rows: Rows, model: str, protocol: str) -> tuple[float, str] | None:
    """The median at one connection with the backend Auto over that of the build before, and which it is."""
    auto = find(rows, model=model, server=AUTO, protocol=protocol, connections=1)
    other, name = before(rows, model, protocol, 1)
    if auto is None or other is None or not other["p50_ms"]:
        return None
    return float(auto["p50_ms"]) / float(other["p50_ms"]), name


def before(rows: Rows, model: str, protocol: str, connections: int) -> tuple[Row | None, str]:
    """The row of the baseline build and its name; of the backend Default where no baseline was measured."""
    wanted = {"model": model, "protocol": protocol, "connections": connections}
    baseline = find(rows, server=BASELINE, **wanted)
    return (baseline, BASELINE) if baseline else (find(rows, server=DIRECT, **wanted), "backend Default of this build")


def _times(row: Row | None, other: Row | None) -> float | None:
    if row is None or other is None or not other["requests_per_second"]:
        return None
    return float(row["requests_per_second"]) / float(other["requests_per_second"])


def ceiling(rows: Rows, model: str, protocol: str, connections: int) -> float | None:
    """Runs per second of Paddle Inference alone over requests per second of the stock pipeline: nothing is faster."""
    stock = find(rows, model=model, server=STOCK, protocol=protocol, connections=connections)
    alone = [row["requests_per_second"] for row in rows if row["model"] == model and row.get("server") == RAW]
    if stock is None or not alone or not stock["requests_per_second"]:
        return None
    return float(max(alone)) / float(stock["requests_per_second"])


def added_p50(rows: Rows, model: str, protocol: str) -> float | None:
    """Milliseconds that the server adds to the median at one connection."""
    direct = find(rows, model=model, server=DIRECT, protocol=protocol, connections=1)
    alone = find(rows, model=model, server=RAW, connections=1)
    return None if direct is None or alone is None else float(direct["p50_ms"]) - float(alone["p50_ms"])


@dataclass(frozen=True, slots=True)
class Growth:
    """One process in the second half of a soak: resident MiB, first and last, (least, most) descriptors and threads."""

    process: str
    begin: float
    end: float
    fds: tuple[int, int]
    threads: tuple[int, int]

    @property
    def percent(self) -> float:
        """Growth of memory over the run."""
        return 100 * (self.end / self.begin - 1) if self.begin else 0.0


def memory_growth(samples: Rows) -> list[Growth]:
    """Every process that lived through the second half of the answers: medians of the first and last fifth of it.

    The first half is for every process to take what it will use again and again.
    """
    half = next(number for number, sample in enumerate(samples) if 2 * sample["answered"] >= samples[-1]["answered"])
    samples = samples[half:]
    part = max(1, len(samples) // _FIFTH)
    first, last = samples[:part], samples[-part:]
    found = []
    for process in samples[-1]["processes"]:
        begin, end, whole = (series(some, process["pid"]) for some in (first, last, samples))
        if begin and end:
            fds, threads = ([one[field] for one in whole] for field in ("fds", "threads"))
            then, now = (median(one["rss_mib"] for one in some) for some in (begin, end))
            ranges = (min(fds), max(fds)), (min(threads), max(threads))
            found.append(Growth(process["process"], then, now, *ranges))
    return found


def series(samples: Rows, pid: int) -> list[Row]:
    """One process, sample after sample."""
    return [one for sample in samples for one in sample["processes"] if one["pid"] == pid]


def settled(rows: Rows) -> Rows:
    """The rows that did not fail."""
    return [row for row in rows if "failed" not in row]


def pss_of_all(row: Row, side: str) -> float:
    """MiB of every process of the server, or of all predictors alone, of a start-up row.

    Of the workers alone it would grow by more than a worker: the fewer they are, the more of Paddle's library is
    counted for the standby process, which has it, too.
    """
    memory = row[side]["pss_mib"]
    return float(sum(map(sum, memory.values())) if side == "served" else sum(memory))


def extra_worker(rows: Rows, model: str) -> tuple[float, float] | None:
    """(a further worker, a further predictor alone) in MiB: the slope from one to the most that were measured."""
    mine = [row for row in settled(rows) if row["model"] == model]
    counts = sorted({row["workers"] for row in mine})
    if len(counts) < 2:  # noqa: PLR2004 - a slope needs two
        return None
    slopes = []
    for side in ("served", "alone"):
        least, most = (
            median(pss_of_all(row, side) for row in mine if row["workers"] == count)
            for count in (counts[0], counts[-1])
        )
        slopes.append((most - least) / (counts[-1] - counts[0]))
    return slopes[0], slopes[1]
