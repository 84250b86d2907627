"""The order of golden requests: enough rounds, enough requests, and every kind of neighbourhood."""

import math
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddle_serving_runtime.consistency.rounds import LEAST_REQUESTS, LEAST_ROUNDS, REPEATED_SAMPLES, asking_order

SMALL = st.integers(1, REPEATED_SAMPLES)


def places(order: tuple[int, ...], sample: int) -> list[int]:
    return [place for place, asked in enumerate(order) if asked == sample]


@given(SMALL)
def test_every_sample_is_asked_in_at_least_three_rounds_and_twelve_requests(samples: int) -> None:
    order = asking_order(samples)
    assert len(order) >= LEAST_REQUESTS
    assert order[:samples] == tuple(range(samples))
    assert all(order.count(sample) >= LEAST_ROUNDS for sample in range(samples))


@given(st.integers(1, 300))
def test_the_first_sample_is_also_the_last_twice_and_nothing_is_drawn(samples: int) -> None:
    order = asking_order(samples)
    assert order[-2:] == (0, 0)
    assert set(order) == set(range(samples))
    assert order == asking_order(samples)


@given(st.integers(3, REPEATED_SAMPLES))
def test_between_two_equal_requests_there_are_two_different_ones_for_every_sample(samples: int) -> None:
    order = asking_order(samples)
    for sample in range(samples):
        between = [set(order[one + 1 : other]) for one, other in pairwise(places(order, sample))]
        assert max(map(len, between)) >= 2


@pytest.mark.parametrize("samples", [2, 3, 4, 5])
def test_every_sample_follows_every_other_one(samples: int) -> None:
    followed = set(pairwise(asking_order(samples)))
    assert followed >= {(one, other) for one in range(samples) for other in range(samples) if one != other}
    assert len(asking_order(samples)) <= 30


@given(st.integers(2, REPEATED_SAMPLES))
def test_the_rounds_have_different_orders(samples: int) -> None:
    """What is wrong in every second or third request shows: some sample is asked both there and elsewhere."""
    order = asking_order(samples)
    for period in (2, 3):
        for phase in range(period):
            there = {sample for place, sample in enumerate(order) if place % period == phase}
            assert there & {sample for place, sample in enumerate(order) if place % period != phase}
    for distance in range(1, len(order) // 2):
        assert any(order[place] != order[place - distance] for place in range(distance, len(order)))


@given(st.integers(REPEATED_SAMPLES, 300))
def test_a_large_set_costs_a_bounded_number_of_requests_more(samples: int) -> None:
    order = asking_order(samples)
    assert len(order) == samples + (LEAST_ROUNDS - 1) * REPEATED_SAMPLES + 2
    repeated = sorted(sample for sample, count in Counter(order).items() if count > 1)
    assert len(repeated) == REPEATED_SAMPLES
    assert max(other - one for one, other in pairwise([*repeated, samples])) <= math.ceil(samples / REPEATED_SAMPLES)


def test_without_samples_nothing_is_asked() -> None:
    assert asking_order(0) == ()
