"""In which order a worker is asked the golden samples: state that a service keeps between requests must show."""

from collections import Counter
from itertools import pairwise

LEAST_ROUNDS, LEAST_REQUESTS = 3, 12
REPEATED_SAMPLES = 24
PAIRED_REQUESTS = 32


def asking_order(samples: int) -> tuple[int, ...]:
    """The indices of the samples to ask, one after another; empty for no samples.

    The first round is every sample in its own order. At least two more rounds follow, each in another order, until
    LEAST_REQUESTS are asked and, where PAIRED_REQUESTS are enough for that, every sample has followed every other
    one. Of more than REPEATED_SAMPLES samples the later rounds ask that many, evenly spread, so that a large set
    costs a bounded number of requests more. The first sample is asked twice in the end: what a service remembers from
    the beginning, and what it does to a request that it has just had, shows there.
    The order depends on nothing but the number of samples: two pods, fast or slow, prove the same.
    """
    if samples < 1:
        return ()
    few = min(samples, REPEATED_SAMPLES)
    repeated = [index * samples // few for index in range(few)]
    order = list(range(samples))
    followed = Counter(pairwise(order))
    for _ in range(_rounds(len(repeated)) - 1):
        _add_round(order, followed, repeated)
    while len(repeated) ** 2 <= PAIRED_REQUESTS and not _all_pairs([*order, 0], len(repeated)):
        _add_round(order, followed, repeated)
    return (*order, 0, 0)


def _rounds(samples: int) -> int:
    return max(LEAST_ROUNDS, -(-LEAST_REQUESTS // samples))


def _all_pairs(order: list[int], samples: int) -> bool:
    return len({(one, other) for one, other in pairwise(order) if one != other}) == samples * (samples - 1)


def _add_round(order: list[int], followed: Counter[tuple[int, int]], samples: list[int]) -> None:
    """Every sample once more: always the one that has followed the one before it least often, longest ago."""
    latest = {sample: position for position, sample in enumerate(order)}
    left = set(samples)
    while left:
        last = order[-1]
        chosen = min(left, key=lambda sample: (followed[last, sample], latest[sample]))
        left.remove(chosen)
        followed[last, chosen] += 1
        latest[chosen] = len(order)
        order.append(chosen)
