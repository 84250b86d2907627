from typing import Any

from benchmarks.open_loop import Outcome
from benchmarks.warmup import figures
from benchmarks.warmup_table import table


def row(mode: str, turn: int, tail: float, errors: int = 0) -> dict[str, Any]:
    times = {"ready_seconds": 4.0, "p50_ms": 2.0, "p99_ms": 5.0, "p99.9_ms": tail, "max_ms": tail}
    cost = {"cpu_ms": 3.0, "largest_process_mib": 400.0}
    return {
        "model": "cls",
        "backend": "Default",
        "warmup": mode,
        "round": turn,
        **times,
        **cost,
        "answered": 1000,
        "errors": errors,
    }


def test_rounds_are_summed_up_by_their_median_and_modes_stand_below_each_other() -> None:
    rows = [row("without", 0, 90.0), row("with", 0, 6.0), *(row("without", turn, 110.0) for turn in (1, 2))]
    first, second = table({"rows": rows}).splitlines()[-2:]
    assert first == "| cls, Default, without | 4.0 | 3.0 | 2.0 | 5.0 | 110.0 | 110.0 | 400.0 | 3,000 | 0 |"
    assert second == "| cls, Default, with | 4.0 | 3.0 | 2.0 | 5.0 | 6.0 | 6.0 | 400.0 | 1,000 | 0 |"


def test_the_slowest_of_a_thousand_answers_is_past_their_p99_9_and_what_has_no_good_one_is_an_error() -> None:
    outcome = Outcome(seconds={200: [0.001] * 999 + [0.5], 429: [0.001]}, ends=[(0.0, 200)] * 1001, lost=2, late=[0.0])
    found = figures(outcome)
    assert (found["p99.9_ms"], found["max_ms"], found["answered"], found["errors"]) == (1.0, 500.0, 1000, 3)
