import random

from hypothesis import given
from hypothesis import strategies as st

from paddle_serving_runtime.supervisor.reservoir import Reservoir


def number(content: bytes) -> int:
    return int(content.rstrip(b"."))


@given(st.lists(st.tuples(st.floats(0, 0.99), st.integers(0, 50)), max_size=60), st.integers(1, 8), st.integers(1, 120))
def test_what_is_kept_has_drawn_the_lowest_numbers_and_never_exceeds_its_bounds(
    offers: list[tuple[float, int]], most: int, max_bytes: int
) -> None:
    reservoir = Reservoir(most, max_bytes)
    offered = {}
    for index, (drawn, length) in enumerate(offers):
        content = bytes(length) + str(index).encode()
        offered[content] = drawn
        reservoir.add(drawn, content)
        assert len(reservoir) <= most
        assert reservoir.size == sum(map(len, reservoir.lowest(most))) <= max_bytes
    kept = reservoir.lowest(most)
    assert [offered[content] for content in kept] == sorted(offered[content] for content in kept)
    highest = max((offered[content] for content in kept), default=0.0)
    assert all(drawn >= highest for content, drawn in offered.items() if content not in kept)


def test_early_and_late_long_and_short_ones_are_kept_alike() -> None:
    draws, counts = random.Random(5), [0] * 60  # noqa: S311 - repeatable
    for _ in range(3000):
        reservoir = Reservoir(5, 10_000)
        for index in range(60):
            reservoir.add(draws.random(), str(index).encode() + b"." * (index % 3 * 40))
        for content in reservoir.lowest(5):
            counts[number(content)] += 1
    # 250 each; six deviations of a binomial distribution
    assert min(counts) > 160
    assert max(counts) < 340


def test_a_short_one_does_not_slip_in_where_a_long_one_with_a_lower_number_had_to_go() -> None:
    reservoir = Reservoir(10, 100)
    reservoir.add(0.1, bytes(80))
    reservoir.add(0.5, bytes(60))
    reservoir.add(0.6, bytes(5))
    assert [len(content) for content in reservoir.lowest(10)] == [80]
    reservoir.add(0.2, bytes(5))
    assert [len(content) for content in reservoir.lowest(10)] == [80, 5]
    assert [len(content) for content in reservoir.lowest(1)] == [80]
