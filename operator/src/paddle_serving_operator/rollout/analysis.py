"""What the metrics of a candidate's pods say beside those of the stable revision. Unknown is neither good nor bad."""

import math

from paddle_serving_operator.api.conditions import ConditionStatus, Reason
from paddle_serving_operator.rollout.facts import Facts, Reading
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.move import Progress

NO_READING = Reading(0, 0, None)
CHANCE = 3  # standard errors; one reading of 700 has a greater difference without any cause


def objection(intent: Intent, facts: Facts, stable: str | None, candidate: str) -> Progress | None:
    """Why the candidate must lose its share; None where nothing speaks against it, or too little is known."""
    wanted = intent.analysis
    if wanted is None:
        return None
    reading, beside = facts.readings.get(candidate, NO_READING), facts.readings.get(stable or "", NO_READING)
    if reading.requests < wanted.min_requests:
        return None
    more = more_refused(reading, beside) if beside.requests >= wanted.min_requests else 0.0
    ratio = reading.errors / reading.requests + more
    if wanted.max_error_ratio is not None and ratio > wanted.max_error_ratio:
        text = f"{reading.errors} of {reading.requests} requests to revision {candidate} failed"
        if more:
            text += (
                f", and {reading.refused} were refused (HTTP 4xx), by revision {stable} {beside.refused} of "
                f"{beside.requests}"
            )
        bound = f"spec.rollout.analysis.maxErrorRatio ({wanted.max_error_ratio:.2%})"
        return Progress(ConditionStatus.FALSE, Reason.TOO_MANY_ERRORS, f"{text} ({ratio:.2%}): more than {bound}.")
    limit = wanted.max_latency_ratio
    if limit is None or reading.p99 is None or beside.p99 is None or beside.requests < wanted.min_requests:
        return None
    if reading.p99 <= limit * beside.p99:
        return None
    text = (
        f"99 % of the requests to revision {candidate} take up to {reading.p99 * 1000:.1f} ms, to revision {stable} "
        f"{beside.p99 * 1000:.1f} ms: more than spec.rollout.analysis.maxLatencyRatio ({limit:g})."
    )
    return Progress(ConditionStatus.FALSE, Reason.TOO_SLOW, text)


def more_refused(reading: Reading, beside: Reading) -> float:
    """The share of requests that the candidate refuses and the stable revision would take; 0 where chance may be it.

    What both refuse is the clients' mistake, but a request that was right until now is made wrong by the new model.
    Both get the same mixture of requests, so that the difference of their shares tells it, from three standard errors
    of that difference on.
    """
    share, usual = reading.refused / reading.requests, beside.refused / beside.requests
    together = (reading.refused + beside.refused) / (reading.requests + beside.requests)
    chance = math.sqrt(together * (1 - together) * (1 / reading.requests + 1 / beside.requests))
    return share - usual if share - usual > CHANCE * chance else 0.0


def too_little(intent: Intent, facts: Facts, candidate: str) -> Progress | None:
    """Why the analysis cannot judge yet; None where it can, or is not asked for."""
    wanted = intent.analysis
    seen = facts.readings.get(candidate, NO_READING).requests
    if wanted is None or seen >= wanted.min_requests:
        return None
    text = (
        f"{seen} requests to revision {candidate} were counted; spec.rollout.analysis.minRequests "
        f"({wanted.min_requests}) are needed to judge it."
    )
    return Progress(ConditionStatus.TRUE, Reason.WAITING_FOR_REQUESTS, text)
