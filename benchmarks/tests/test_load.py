import json

import pytest

from benchmarks.load import Figures, parse_h2load, parse_wrk, percentile

WRK = """Running 1s test @ http://127.0.0.1:1/
  2 requests in 1.00s
"""
LINE = {"requests": 20, "microseconds": 2_000_000, "errors": 1, "p50_us": 1500, "p90_us": 2000, "p99_us": 3000}
H2LOAD = """starting benchmark...
finished in 2.00s, 2.00 req/s, 1.00KB/s
requests: 4 total, 4 started, 4 done, 3 succeeded, 1 failed, 0 errored, 0 timeout
"""
LOG = "1\t200\t1000\n2\t200\t2000\n3\t503\t4000\n4\t200\t3000\n"


def test_wrk_figures_are_in_its_last_line() -> None:
    assert parse_wrk(WRK + json.dumps(LINE)) == Figures(20, 2.0, 1, 1.5, 2.0, 3.0)


def test_h2load_percentiles_come_from_the_log_and_errors_from_its_statuses() -> None:
    assert parse_h2load(H2LOAD, LOG) == Figures(4, 2.0, 1, 2.0, 4.0, 4.0)


def test_h2load_writes_short_times_in_milliseconds() -> None:
    assert parse_h2load(H2LOAD.replace("2.00s,", "250.00ms,"), LOG).seconds == 0.25


def test_output_without_a_summary_is_an_error_that_shows_it() -> None:
    with pytest.raises(ValueError, match="could not connect"):
        parse_h2load("could not connect", "")


def test_the_rate_is_requests_over_time() -> None:
    assert Figures(20, 2.0, 0, 1.0, 1.0, 1.0).to_json()["requests_per_second"] == 10.0


@pytest.mark.parametrize(("percent", "expected"), [(50, 2.0), (75, 3.0), (99, 4.0), (1, 1.0)])
def test_a_percentile_is_a_value_that_was_measured(percent: float, expected: float) -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], percent) == expected


def test_nothing_measured_is_zero() -> None:
    assert percentile([], 50) == 0.0
