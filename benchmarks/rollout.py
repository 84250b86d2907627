"""A hundred thousand requests through the Service during every kind of change; needs the cluster and its images.

What e2e/tests/test_load.py does with fewer requests. The load generator, the operator and the pods share the cores.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from benchmarks.results import Results, arguments, output_of
from e2e.lib import session
from e2e.lib.changes import CHANGES, NEW, OLD, Change, Outcome, under_load
from e2e.lib.given import Given
from e2e.lib.store import ModelStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from e2e.lib.cluster import Cluster

REQUESTS, QUICK_REQUESTS = 100_000, 3_000
REQUESTS_PER_SECOND = 500
SECONDS_BETWEEN_POINTS = 2.0


def row_of(change: Change, outcome: Outcome) -> dict[str, Any]:
    """One change: what was counted, and the answers of both models over time."""
    tally = outcome.tally
    return {
        "change": change.name,
        "requests": tally.requests,
        "failed_requests": tally.failed + (tally.sent - tally.requests),
        "wrong_answers": outcome.wrong,
        "slowest_ms": round(1000 * tally.slowest, 1),
        "seconds": tally.at,
        "promised_pods": change.promised,
        "fewest_ready_pods": outcome.fewest_ready,
        "points": points(outcome),
    }


def points(outcome: Outcome) -> list[tuple[float, int, int]]:
    """Seconds, and how many answers of the old and of the new model there were up to then."""
    kept: list[tuple[float, int, int]] = []
    for tally in outcome.timeline:
        if not kept or tally.at - kept[-1][0] >= SECONDS_BETWEEN_POINTS or tally is outcome.timeline[-1]:
            kept.append((tally.at, _count(tally.answers, OLD), _count(tally.answers, NEW)))
    return kept


def _count(answers: Mapping[str, int], price: str) -> int:
    return sum(count for text, count in answers.items() if price in text)


def measure(change: Change, cluster: Cluster, store: ModelStore, requests: int, results: Results) -> None:
    """One row, where it is not there yet."""
    if change.name in results.rows:
        return
    results.say(f"{change.name}: {requests} requests")
    try:
        with session.temporary_namespace(cluster, f"bench {change.name}") as namespace:
            outcome = under_load(Given(namespace, lambda: store), change, requests, REQUESTS_PER_SECOND)
    except AssertionError as error:
        results.fail({"change": change.name}, error)
        return
    row = row_of(change, outcome)
    results.put(change.name, row)
    results.say(
        f"{change.name}: {row['failed_requests']} failed, {row['wrong_answers']} wrong, slowest {row['slowest_ms']} ms"
    )


def main() -> int:
    """Measures what is not there yet; exit status 1 where something failed."""
    options = arguments("rollout", (__doc__ or "").partition("\n")[0]).parse_args()
    requests = QUICK_REQUESTS if options.quick else REQUESTS
    changes = [change.name for change in CHANGES]
    settings = {"requests": requests, "requests_per_second": REQUESTS_PER_SECOND, "changes": changes}
    results = Results("rollout", settings, output_of("rollout", options), fresh=options.fresh)
    cluster = session.guarded_cluster(dict(os.environ))
    was_there = session.is_installed(cluster)
    session.install_operator(cluster)
    with session.temporary_namespace(cluster, "model-store") as namespace:
        store = ModelStore(namespace)
        for change in CHANGES:
            measure(change, cluster, store, requests, results)
    if not was_there:
        session.remove_operator(cluster)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
