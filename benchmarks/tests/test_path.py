from typing import Any

from benchmarks.path_table import beyond, beyond_own, table


def round_(alone: float, before: float, now: float) -> dict[str, Any]:
    parts = {"worker": 0.5, "HAProxy": 0.25, "supervisor": 0.125}
    return {
        "alone_cpu_ms": alone,
        "rested_cpu_ms": 2 * alone,
        "baseline": {"cpu_ms": before, "cpu_ms_by_process": parts, "inference_ms": 1.5 * alone},
        "this": {"cpu_ms": now, "cpu_ms_by_process": parts | {"worker": 0.4}, "inference_ms": 5 * alone},
    }


def test_the_ratio_is_of_figures_of_one_round_beyond_the_predictor() -> None:
    rounds = [round_(0.1, 1.1, 0.6), round_(0.2, 2.2, 1.2), round_(0.5, 1.5, 1.3)]
    raw = {
        "rows": [{"model": "path", "protocol": "JSON", "rounds": rounds}],
        "settings": {"baseline": "abc", "rounds": 3},
        "machine": {"load_average": 1.5},
    }
    row, _, facts = table(raw).splitlines()[-3:]
    assert row == (
        "| JSON, 110 KB | 0.200 | 1.000, 0.800 | 0.50 (0.50 to 0.65) | 0.300, 0.400 | 0.950, 0.400 "
        "| 0.42 (0.41 to 0.42) | 0.500, 0.400 | 0.250, 0.250 | 0.125, 0.125 |"
    )
    assert facts == "Before: commit abc. Medians of 3 rounds; load average of the machine at the end: 1.5."


def test_what_is_beyond_the_predictor_is_of_its_own_round() -> None:
    assert beyond([round_(0.5, 1.5, 1.0), round_(1.0, 3.0, 1.25)], "this") == [0.5, 0.25]


def test_the_predictor_in_a_server_takes_what_the_server_says_but_no_more_than_after_a_rest() -> None:
    rounds = [round_(0.1, 1.0, 1.0)]
    assert beyond_own(rounds, "baseline") == [1.0 - 0.15]
    assert beyond_own(rounds, "this") == [1.0 - 0.2]
