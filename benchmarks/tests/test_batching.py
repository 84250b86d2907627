from typing import Any

from benchmarks.batching_table import table


def row(batching: str, connections: int, rate: float, cpu: float, of_a_run: float) -> dict[str, Any]:
    return {
        "model": "cls",
        "protocol": "JSON",
        "connections": connections,
        "batching": batching,
        "requests_per_second": rate,
        "p50_ms": 2000 / rate,
        "cpu_ms": cpu,
        "requests_of_a_run": of_a_run,
    }


def test_shared_runs_stand_beside_runs_of_one_request() -> None:
    rows = [row("Off", 16, 1000.0, 3.0, 1.0), row("Auto", 16, 2000.4, 1.5, 4.8)]
    last = table({"rows": rows}).splitlines()[-1]
    assert last == "| cls, JSON, 16 | 1,000 | 2,000 | 2.00 | 1.00 | 3.00 | 1.50 | 4.8 |"


def test_a_row_without_its_other_half_is_not_compared() -> None:
    assert "cls" not in table({"rows": [row("Off", 1, 300.0, 3.0, 1.0)]})
