"""The goals of the runtime beside what was measured: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.figures import (
    AUTO,
    BUSY,
    DIRECT,
    MODELS,
    Row,
    added_p50,
    beyond,
    ceiling,
    extra_worker,
    find,
    memory_growth,
    p50_share,
    ratio,
    rested_cpu,
    settled,
    times_before,
    times_raw,
)
from benchmarks.tables import markdown, short

_JSON, _BINARY = "JSON", "OIP REST binary"
TIMES_STOCK = 4.0
CPU_MS = {_BINARY: 0.5, _JSON: 0.8}
ADDED_P50_MS = 1.0
TIMES_RAW = (
    ("cls", AUTO, "Auto", 2.5),
    ("cls", DIRECT, "Default", 1.5),
    ("rec", AUTO, "Auto", 2.0),
    ("mobilenetv3", AUTO, "Auto", 1.5),
    ("resnet50", AUTO, "Auto", 1.1),
)
"""Model, server, its backend, and at least how many times the runs of as many processes of Paddle Inference."""

TIMES_BEFORE = {"cls": 4.0, "uci": 2.0}
P50_SHARE = 0.5
GOODPUT_PERCENT = 90.0
REFUSAL_MS = 50.0
IMAGE_MB = 960.0
WORKER_TIMES = 1.1
RECOVERY_SECONDS = 3.0
GROWTH_PERCENT = 1.0

Raws = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Goal:
    """One line: `met` is None where nothing was measured."""

    goal: str
    measured: str
    met: bool | None
    detail: str = ""


def table(raws: Raws) -> str:
    """The table of goals."""
    words = {True: "met", False: "**missed**", None: "not measured"}
    rows = [(goal.goal, goal.measured, words[goal.met], goal.detail) for goal in every(raws)]
    return markdown(("goal", "measured", "", "where it goes"), rows)


def every(raws: Raws) -> Iterator[Goal]:
    """All goals, measured or not."""
    rows = raws.get("serving", {}).get("rows", [])
    yield from _throughput(rows)
    yield from _backends(rows)
    yield from _cpu(rows)
    yield from _latency(rows)
    yield from _overload(raws.get("overload", {}).get("rows", []))
    yield from _startup(raws.get("startup", {}).get("rows", []))
    yield from _recovery(raws.get("recovery", {}).get("rows", []))
    yield _image(raws.get("image-size"))
    yield _memory(raws.get("startup", {}).get("rows", []))
    yield _soak(raws.get("soak", {}).get("rows", []))


def _throughput(rows: Any) -> Iterator[Goal]:  # noqa: ANN401 - raw data
    for model in list(MODELS)[:3]:
        value = ratio(rows, model, _JSON, BUSY)
        goal = f"{model}: {TIMES_STOCK:.0f} x the stock pipeline's requests/s, JSON, {BUSY} connections"
        if value is None:
            yield Goal(goal, "", None)
            continue
        rpc, most = ratio(rows, model, "gRPC", BUSY), ceiling(rows, model, _JSON, BUSY)
        details = [f"gRPC: {rpc:.1f} x" if rpc else "", f"Paddle Inference alone: {most:.1f} x" if most else ""]
        yield Goal(goal, f"{value:.1f} x", value >= TIMES_STOCK, ", ".join(filter(None, details)))


def _backends(rows: Any) -> Iterator[Goal]:  # noqa: ANN401 - raw data
    where = f"{_BINARY}, {BUSY} connections"
    for model, server, backend, least in TIMES_RAW:
        goal = f"{model}, backend {backend}: {least:g} x as many processes of Paddle Inference, {where}"
        value = times_raw(rows, model, server, _BINARY)
        yield Goal(goal, "", None) if value is None else Goal(goal, f"{value:.2f} x", value >= least)
    for model, least in TIMES_BEFORE.items():
        goal = f"{model}, backend Auto: {least:g} x the baseline build, {where}"
        found = times_before(rows, model, _BINARY)
        yield (
            Goal(goal, "", None)
            if found is None
            else Goal(goal, f"{found[0]:.2f} x", found[0] >= least, f"beside: {found[1]}")
        )
    goal = f"cls, backend Auto: p50 at one connection at most {P50_SHARE:g} x the baseline build's, {_BINARY}"
    share = p50_share(rows, "cls", _BINARY)
    yield (
        Goal(goal, "", None)
        if share is None
        else Goal(goal, f"{share[0]:.2f} x", share[0] <= P50_SHARE, f"beside: {share[1]}")
    )


def _cpu(rows: Any) -> Iterator[Goal]:  # noqa: ANN401 - raw data
    for protocol, limit in CPU_MS.items():
        for model in ("cls", "path"):
            row = find(rows, model=model, server=DIRECT, protocol=protocol, connections=1)
            value = None if row is None else beyond(rows, row)
            goal = f"{model}: CPU per request beyond the predictor's own, {protocol}, 110 KB: at most {limit} ms"
            if row is None or value is None:
                yield Goal(goal, "", None)
            else:
                detail = _parts(row, row["cpu_ms"] - value, rested_cpu(rows, model))
                yield Goal(goal, f"{value:.2f} ms", value <= limit, detail)


def _parts(row: Row, own: float, rested: float | None) -> str:
    parts = dict(row["cpu_ms_by_process"])
    parts["worker beyond the predictor"] = parts.pop("worker", 0.0) - own
    listed = sorted(((name, value) for name, value in parts.items() if name != "standby"), key=lambda part: -part[1])
    said = ", ".join(f"{name} {value:.2f}" for name, value in listed)
    return said if rested is None else f"{said}; the predictor alone takes {rested:.2f} more after 1 ms of rest"


def _latency(rows: Any) -> Iterator[Goal]:  # noqa: ANN401 - raw data
    for protocol in CPU_MS:
        value = added_p50(rows, "cls", protocol)
        goal = f"cls: p50 added at one connection, {protocol}: at most {ADDED_P50_MS:.0f} ms"
        if value is None:
            yield Goal(goal, "", None)
        else:
            detail = "" if value <= ADDED_P50_MS else "the CPU of such a request, above: one process after the other"
            yield Goal(goal, f"{value:.2f} ms", value <= ADDED_P50_MS, detail)


def _overload(rows: Any) -> Iterator[Goal]:  # noqa: ANN401 - raw data
    goal = (
        f"10 x overload: goodput at least {GOODPUT_PERCENT:.0f} % of the peak, the rest 429 within {REFUSAL_MS:.0f} ms"
    )
    if not settled(rows):
        yield Goal(goal, "", None)
    for row in settled(rows):
        refusals = row["by_status"].get("429", {}).get("p99_ms")
        met = row["goodput_percent"] >= GOODPUT_PERCENT and refusals is not None and refusals <= REFUSAL_MS
        said = f"{row['goodput_percent']:.0f} %, 429 after {short(refusals or 0.0)} ms (p99), {row['others']} others"
        generator = row["generator_cpu_seconds"] / row["seconds"]
        detail = f"the load generator took {generator:.2f} of a CPU" if not met else ""
        yield Goal(f"{row['workers']} workers: {goal}", said, met and row["others"] == 0, detail)


def _startup(rows: Any) -> Iterator[Goal]:  # noqa: ANN401 - raw data
    for model in dict.fromkeys(row["model"] for row in settled(rows)):
        mine = [row for row in settled(rows) if row["model"] == model and row["workers"] == 1]
        load = median(row["alone"]["load_seconds"] + row["alone"]["first_run_seconds"] for row in mine)
        ready = median(row["served"]["ready_seconds"] for row in mine)
        limit = 3 + 1.2 * load
        imports = median(row["alone"]["import_seconds"] for row in mine)
        goal = f"{model}, 1 worker: start to Ready at most 3 s + 1.2 x load = {limit:.2f} s"
        yield Goal(goal, f"{ready:.2f} s", ready <= limit, f"importing Paddle alone: {imports:.2f} s")
    if not settled(rows):
        yield Goal("start to Ready at most 3 s + 1.2 x load", "", None)


def _recovery(rows: Any) -> Iterator[Goal]:  # noqa: ANN401 - raw data
    for engine in dict.fromkeys(row["engine"] for row in settled(rows)):
        slowest, again, without = (
            max(row[field] for row in settled(rows) if row["engine"] == engine and row["standby"] == standby)
            for field, standby in (("seconds", True), ("again_seconds", True), ("seconds", False))
        )
        goal = f"{engine} engine: a killed worker replaced and verified within {RECOVERY_SECONDS:.0f} s, under load"
        details = f"another one at once {again:.1f} s, without a standby process {without:.1f} s"
        yield Goal(goal, f"{slowest:.1f} s", slowest <= RECOVERY_SECONDS, details)


def _image(raw: Mapping[str, Any] | None) -> Goal:
    goal = f"CPU image at most {IMAGE_MB:.0f} MB"
    if raw is None:
        return Goal(goal, "", None)
    return Goal(goal, f"{raw['megabytes']:.0f} MB", raw["megabytes"] <= IMAGE_MB, "[what is in it](image.md)")


def _memory(rows: Any) -> Goal:  # noqa: ANN401 - raw data
    goal = f"memory of a further worker at most {WORKER_TIMES} x a predictor"
    slopes = extra_worker(rows, "rec")
    if slopes is None:
        return Goal(goal, "", None)
    worker, alone = slopes
    said = f"{worker / alone:.2f} x ({worker:.0f} MiB, alone {alone:.0f} MiB)"
    return Goal(goal, said, worker <= WORKER_TIMES * alone, "rec: with the libraries that its Ops import")


def _soak(rows: Any) -> Goal:  # noqa: ANN401 - raw data
    goal = "two million requests of mixed sizes, after as many to warm up: no growth of memory, descriptors, threads"
    row = next((row for row in rows if "samples" in row), None)
    if row is None:
        return Goal(goal, "", None)
    growth = memory_growth(row["samples"])
    worst = max(growth, key=lambda one: one.percent)
    steady = all(one.threads[0] == one.threads[1] for one in growth)
    said = f"{row['samples'][-1]['answered']:,} requests, the second half; most: {worst.process} {worst.percent:+.2f} %"
    return Goal(goal, said, worst.percent < GROWTH_PERCENT and steady, "" if steady else "the number of threads varies")
