from benchmarks.backends_table import table


def row(backend: str, cpu: list[float], *, same: bool, difference: float) -> dict[str, object]:
    return {
        "model": "cls",
        "backend": backend,
        "cpu_ms": cpu,
        "rested_cpu_ms": [2 * value for value in cpu],
        "same_bits": same,
        "largest_difference": difference,
    }


def test_ratios_are_those_of_the_rounds_and_what_auto_takes_is_told() -> None:
    rows = [
        row("Default", [4.0, 8.0, 4.0], same=True, difference=0.0),
        row("OpenVINO", [1.0, 2.0, 3.0], same=False, difference=6e-8),
        {"model": "cls", "backend": "Auto", "taken": "OpenVINO", "reasons": []},
    ]
    text = table({"machine": {"load_average": 3.5}, "rows": rows})
    assert "| cls | Default | 4.00 (4.00) | 8.00 (8.00) | 1.00 | 1.00 | same bits |" in text
    assert "| cls | OpenVINO | 2.00 (1.00) | 4.00 (2.00) | 0.25 | 0.25 | 6.0e-08 |" in text
    assert text.endswith("Auto takes OpenVINO for cls.\n\nLoad average at the end: 3.5.")
