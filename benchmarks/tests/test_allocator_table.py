from typing import Any

import numpy as np
import pytest

from benchmarks.allocator_table import SYSTEM, memory, ratios, table
from benchmarks.engine_loop import resized


def turn(variant: str, number: int, loop: float, rest: float, *, same: bool = True) -> dict[str, Any]:
    head = {"model": "cls", "variant": variant, "turn": number}
    return {**head, "loop_cpu_ms": loop, "rest_cpu_ms": rest, "same_bits": same}


ROWS = [
    turn(SYSTEM, 0, 4.0, 8.0),
    turn("tcmalloc", 0, 3.0, 4.0),
    turn(SYSTEM, 1, 8.0, 8.0),
    turn("tcmalloc", 1, 4.0, 6.0),
    turn("PIR", 0, 2.0, 8.0, same=False),
]


def test_a_ratio_is_of_one_turn_and_a_turn_that_one_side_lacks_counts_for_none() -> None:
    assert ratios(ROWS, "cls", "tcmalloc", "loop_cpu_ms") == [0.75, 0.5]
    assert ratios(ROWS, "cls", "PIR", "rest_cpu_ms") == [1.0]
    assert ratios(ROWS, "uci", "tcmalloc", "loop_cpu_ms") == []


def test_the_table_has_medians_of_turns_and_whether_bits_are_the_same() -> None:
    text = table({"rows": ROWS})
    assert "| glibc | 6.00 / 8.00 ms | yes |" in text
    assert "| tcmalloc | 0.62 / 0.62 | yes |" in text
    assert "| PIR | 0.50 / 1.00 | not cls |" in text


def test_memory_stands_before_and_after_the_runs() -> None:
    mib = {"before_mib": 100.2, "after_mib": 110.6, "most_mib": 111.0}
    text = memory({"rows": [{"model": "uci", "variant": "tcmalloc", "runs": 100000, **mib}]})
    assert "| uci, tcmalloc, 100,000 runs | 100 | 111 | 111 |" in text


@pytest.mark.parametrize("shape", [(1, 13), (1, 3, 48, 192)])
def test_inputs_of_mixed_shapes_differ_in_rows_and_width_alone(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    made = [resized(np.ones(shape, np.float32), random) for _ in range(50)]
    assert len({array.shape for array in made}) > 10
    assert {array.shape[1:-1] for array in made} == {shape[1:-1]}
    assert all(array.flags.c_contiguous and array.dtype == np.float32 for array in made)
