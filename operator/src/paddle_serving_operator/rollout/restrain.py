"""What no move may do, whatever its stage says. Applied to every move, so that a new stage cannot break a promise."""

from collections.abc import Mapping
from dataclasses import replace

from paddle_serving_operator.rollout import shares
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.memory import Memory
from paddle_serving_operator.rollout.move import Move

PAIR = 2


def restrain(move: Move, intent: Intent, written: Memory, facts: Facts) -> Move:
    """The move without what would hurt users. `written` is the memory as the status says it, before this move.

    - A revision gets a share only where the written status names it and a pod of it has proved its answers.
    - A Service that selects every pod must reach the two revisions that share the traffic, and no third.
    - Neither traffic nor pods move so that fewer pods answer than promised, unless capacity comes first.
    - A Deployment stays while a Service selects it, an endpoint leads to it, or the written status gives it traffic.
    """
    divided = _divided(move.shares, intent, written, facts)
    return replace(move, shares=divided, pods=_staffed(move.pods, divided, intent, written, facts))


def _divided(asked: Mapping[str, int], intent: Intent, written: Memory, facts: Facts) -> Mapping[str, int]:
    kept = shares.kept(facts, written.stable, written.candidate)
    if any(not _is_entitled(name, written, facts) for name, share in asked.items() if share > 0):
        return kept
    crowded = facts.answering - set(asked) or not all(facts.of(name).ready for name in asked)
    if len(asked) == PAIR and crowded and set(kept) != set(asked):
        return kept
    before = sum(facts.of(name).ready for name in kept if name in facts.asked)
    after = sum(facts.of(name).ready for name, share in asked.items() if share > 0)
    if not intent.capacity_first and after < min(before, intent.replicas - intent.unavailable):
        return kept
    return asked


def _is_entitled(name: str, written: Memory, facts: Facts) -> bool:
    """Whether a revision may have a share: it is the stable one, or it is named and proved, or has a share already."""
    if name == written.stable:
        return True
    has_one = name in shares.holders(facts)
    # where a status was lost, what answers goes on answering
    named = name == written.candidate or (written.stable is None and has_one)
    return named and (has_one or facts.of(name).ready > 0)


def _staffed(
    asked: Mapping[str, int], divided: Mapping[str, int], intent: Intent, written: Memory, facts: Facts
) -> Mapping[str, int]:
    holders = shares.holders(facts)
    needed = {written.stable, facts.traffic, facts.pinned} | facts.serving | holders
    pods = dict(asked)
    for name, found in facts.revisions.items():
        if found.deployed and name in needed and name not in pods:
            pods[name] = found.wanted
    if intent.capacity_first:
        return pods
    # only what endpoints lead to answers users, whatever a selector says by now
    answering = {name for name in facts.asked if name in holders or divided.get(name)}
    now = sum(facts.of(name).ready for name in answering)
    after = sum(min(facts.of(name).ready, pods.get(name, 0)) for name in answering)
    if after >= min(now, intent.replicas - intent.unavailable):
        return pods
    return pods | {name: max(pods.get(name, 0), facts.of(name).wanted) for name in answering if facts.of(name).deployed}
