"""The operator with a thousand PaddleServices and more: until all are Healthy, when nothing happens, and one change.

kube-apiserver, etcd, the controllers that an operator needs, a scheduler and kwok run on the same cores. `--baseline`
measures the operator of another checkout in the same run. Run it as `make bench-operator` does, with the operator's
tests on the path.
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.models import ROOT
from benchmarks.operator_by_hand import by_hand
from benchmarks.operator_calls import Calls, counted, listed
from benchmarks.operator_world import (
    LOOK_SECONDS,
    OPERATOR,
    PATIENCE_SECONDS,
    Build,
    Crowd,
    after,
    crowded,
    used,
)
from benchmarks.results import Results, arguments, commit_of, output_of

COUNTS = (1000, 5000)
MINUTES = 10.0
CHANGES = 200
NAMESPACES = 10
CHANGE_SECONDS = 120.0
CALM_SECONDS, CALM_CPU = 5.0, 0.05  # without a call for so long, and less of a core than this: at rest

Row = dict[str, Any]
Measure = Callable[[Crowd, int], Iterator[Row]]


def healthy(crowd: Crowd, keys: list[str]) -> dict[str, float]:
    """When each of these became Healthy."""
    seen = crowd.services.seen()
    return {
        key: seen[key].at
        for key in keys
        if key in seen and (seen[key].object.get("status") or {}).get("phase") == "Healthy"
    }


def rest(crowd: Crowd) -> Calls:
    """Waits until the operator has nothing to do. Returns its requests since the last look."""
    calls = crowd.calls()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        before = crowd.seconds()[OPERATOR]
        time.sleep(CALM_SECONDS)
        more = crowd.calls()
        if not more and crowd.seconds()[OPERATOR] - before < CALM_CPU * CALM_SECONDS:
            return calls
        calls += more
    raise TimeoutError(f"the operator is still at work after {PATIENCE_SECONDS:.0f} s")


def begun(crowd: Crowd) -> list[str]:
    """Waits until an operator that has just started serves: one PaddleService, which is in no figure."""
    first = crowd.create(1)
    after(PATIENCE_SECONDS, lambda: "the first PaddleService is Healthy", lambda: healthy(crowd, first))
    rest(crowd)
    return first


def reconciled(crowd: Crowd, count: int) -> tuple[Row, list[str]]:
    """From the first creation until all are Healthy, and until nothing happens any more."""
    before, began = crowd.seconds(), time.monotonic()
    keys = crowd.create(count)
    created = time.monotonic() - began

    def said() -> str:
        return f"{count - len(healthy(crowd, keys))} of {count} PaddleServices are not Healthy"

    after(PATIENCE_SECONDS, said, lambda: len(healthy(crowd, keys)) == count, LOOK_SECONDS)
    seconds, cpu = max(healthy(crowd, keys).values()) - began, used(before, crowd.seconds())
    calls = rest(crowd)
    row = {
        "what": "reconciled",
        "seconds": round(seconds, 1),
        "created_seconds": round(created, 1),
        "cpu_seconds": cpu,
        "cpu_seconds_until_rest": used(before, crowd.seconds()),
        "calls": listed(calls),
    }
    return row | counted(calls) | dict(crowd.memory()), keys


def settled(crowd: Crowd, minutes: float) -> Row:
    """So many minutes in which nobody changes anything."""
    before, began = crowd.seconds(), time.monotonic()
    time.sleep(60 * minutes)
    seconds, cpu, calls = time.monotonic() - began, used(before, crowd.seconds()), crowd.calls()
    row = {"what": "settled", "seconds": round(seconds, 1), "cpu_seconds": cpu, "calls": listed(calls)}
    return row | {"cpu_percent": round(100 * cpu[OPERATOR] / seconds, 2)} | counted(calls) | dict(crowd.memory())


def reaction(crowd: Crowd, key: str, replicas: int) -> float:
    """Seconds from a change of one PaddleService until its Deployment has it."""
    before = {name for name in crowd.deployments.seen() if name.startswith(f"{key}-")}
    began = time.monotonic()
    crowd.change(key, replicas=replicas)
    at: list[float] = []

    def has_it() -> bool:
        seen = [crowd.deployments.of(name) for name in before]
        at[:] = [sight.at for sight in seen if sight and sight.object["spec"].get("replicas") == replicas]
        return bool(at)

    after(CHANGE_SECONDS, lambda: f"the Deployment of {key} has {replicas} replicas", has_it)
    return max(at) - began


def reactions(crowd: Crowd, keys: list[str], changes: int) -> Row:
    """One change after the other, each of another PaddleService where there are enough."""
    before = crowd.seconds()
    times = sorted(reaction(crowd, keys[number % len(keys)], 2 + number // len(keys) % 2) for number in range(changes))
    calls = rest(crowd)
    percent = quantiles(times, n=100, method="inclusive")
    row = {"what": "reaction", "changes": changes, "cpu_seconds": used(before, crowd.seconds())}
    figures = {"p50_ms": percent[49], "p99_ms": percent[98], "max_ms": times[-1]}
    return row | {name: round(1000 * value, 1) for name, value in figures.items()} | counted(calls)


def restarted(crowd: Crowd) -> Row:
    """An operator that starts where everything is there already, until it has nothing to do any more."""
    began, first = time.monotonic(), Calls()

    def has_begun() -> bool:
        first.update(crowd.calls())
        return any(call.verb == "list" for call in first)

    after(PATIENCE_SECONDS, lambda: "the operator lists what is there", has_begun)
    calls = first + rest(crowd)
    seconds = time.monotonic() - began - CALM_SECONDS
    row = {"what": "restarted", "seconds": round(seconds, 1), "cpu_seconds": {OPERATOR: crowd.seconds()[OPERATOR]}}
    return row | {"calls": listed(calls)} | counted(calls) | dict(crowd.memory())


def measure(crowd: Crowd, count: int, options: argparse.Namespace) -> Iterator[Row]:
    """Everything about one build with so many PaddleServices."""
    with crowd.operator():
        begun(crowd)
        row, keys = reconciled(crowd, count)
        yield row
        yield settled(crowd, options.minutes)
        yield reactions(crowd, keys, options.changes)
    crowd.calls()  # those of the operator that has ended
    with crowd.operator():
        yield restarted(crowd)


def measure_by_hand(crowd: Crowd, count: int) -> Iterator[Row]:
    """The same objects without an operator, which only makes those of the first."""
    with crowd.operator():
        (first,) = begun(crowd)
    yield by_hand(crowd, first, count)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = arguments("operator_scale", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--baseline", type=Path, help="another checkout, measured in turn with this one")
    parser.add_argument("--services", type=int, nargs="+", default=COUNTS, help="how many PaddleServices")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="for how long nothing is changed")
    parser.add_argument("--changes", type=int, default=CHANGES, help="changes of one PaddleService among all")
    parser.add_argument("--namespaces", type=int, default=NAMESPACES, help="in so many namespaces")
    options = parser.parse_args()
    if options.quick:
        options.services, options.minutes, options.changes = (50,), 0.5, 20
    return options


def run(results: Results, build: Build, count: int, options: argparse.Namespace, measured: Measure, last: str) -> None:
    """One build, one number: its rows, or what failed. Nothing where an unfinished run has its last one."""
    head = {"build": build.name, "services": count}
    if f"{build.name} {count} {last}" in results.rows:
        return
    say: Callable[[str], None] = results.say
    say(f"{build.name}, {count} PaddleServices")
    try:
        with TemporaryDirectory() as folder, crowded(Path(folder), build, options.namespaces) as crowd:
            for row in measured(crowd, count):
                results.put(f"{build.name} {count} {row['what']}", head | row)
                say(f"{build.name}, {count}: { {name: row[name] for name in row if name != 'calls'} }")
    except (TimeoutError, RuntimeError) as error:
        results.fail(head, error)


def main() -> int:
    """Measures each build with each number; exit status 1 where something failed."""
    options = parsed()
    builds = [Build("this", ROOT)]
    if options.baseline:
        builds.insert(0, Build("baseline", options.baseline.resolve()))
    settings = {name: getattr(options, name) for name in ("services", "minutes", "changes", "namespaces")}
    settings["commits"] = {build.name: commit_of(build.root) for build in builds}
    results = Results("operator-scale", settings, output_of("operator-scale", options), fresh=options.fresh)
    whole = functools.partial(measure, options=options)
    run(results, Build("by hand", ROOT), min(options.services), options, measure_by_hand, "by hand")
    for count in options.services:
        for build in builds:
            run(results, build, count, options, whole, "restarted")
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
