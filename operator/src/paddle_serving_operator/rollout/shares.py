"""Arithmetic of a canary: pods that make a ratio, and who has a share. Pure."""

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction

from paddle_serving_operator.rollout.facts import Facts

WHOLE = 100


def sizes(replicas: int, weight: int, surge: int) -> tuple[int, int]:
    """Pods of the stable revision and of the candidate whose ratio is nearest to the weight (percent).

    Together at least `replicas`, at most `surge` more, each at least one; the fewest pods of equally near ones.
    """
    wanted = Fraction(weight, WHOLE)
    found = [
        (abs(Fraction(candidate, total) - wanted), total, candidate)
        for total in range(max(replicas, 2), max(replicas + surge, 2) + 1)
        for candidate in {_within(total, math.floor(total * wanted)), _within(total, math.ceil(total * wanted))}
    ]
    _, total, candidate = min(found)
    return total - candidate, candidate


def _within(total: int, candidate: int) -> int:
    """Both revisions have a pod."""
    return min(max(candidate, 1), total - 1)


def seen(facts: Facts) -> Mapping[str, int]:
    """Percent of the traffic by revision, as Service or HTTPRoute divide it now, whatever was planned."""
    if facts.weights:
        return facts.weights
    if not facts.broad:
        return {facts.traffic: WHOLE} if facts.traffic else {}
    return ratio(facts.asked, facts)


def ratio(revisions: Iterable[str], facts: Facts) -> Mapping[str, int]:
    """Percent of the traffic of each of these revisions of which a pod is Ready, where one Service selects them all."""
    ready = {name: facts.of(name).ready for name in sorted(revisions) if facts.of(name).ready}
    total = sum(ready.values())
    return {name: round(WHOLE * count / total) for name, count in ready.items()}


def kept(facts: Facts, stable: str | None, candidate: str | None) -> Mapping[str, int]:
    """The traffic of these two as it is divided now.

    Where a Service selects the pods of both, both keep a share, also one of which no pod is Ready at the moment: it
    must not be taken for one that has lost everything.
    """
    found = seen(facts)
    if facts.broad and stable is not None and candidate is not None:
        return {name: max(1, found.get(name, 0)) for name in (stable, candidate)}
    ours = {name: share for name, share in found.items() if name in {stable, candidate}}
    return ours or ({stable: WHOLE} if stable else {})


def holders(facts: Facts) -> frozenset[str]:
    """The revisions that have a share, by a Gateway or by the Service that selects them."""
    named = {facts.traffic} if facts.traffic else set()
    selected = ratio(facts.asked, facts) if facts.broad else {}
    return frozenset({name for name, share in seen(facts).items() if share > 0} | set(selected) | named)


def amount(value: int | str, replicas: int) -> int:
    """A number of pods, or a share such as "25%" of them rounded up."""
    if isinstance(value, int):
        return value
    return -(-replicas * int(value.rstrip("%")) // WHOLE)
