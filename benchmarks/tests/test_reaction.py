from benchmarks.reaction_table import table


def row(what: str, seconds: float) -> dict[str, object]:
    return {"what": what, "turn": 1, "seconds": seconds}


def test_every_reaction_stands_beside_its_goal_with_the_median_and_the_longest() -> None:
    rows = [
        row("pause", 0.1),
        row("pause", 0.2),
        row("pause", 1.5),
        row("first share", 1.5),
        {"turn": 2, "failed": "x"},
    ]
    made = table({"rows": rows, "machine": {"load_average": 3.5}})
    assert "| pause | 3 | 0.20 | 1.50 | 1 | no, 1 later |" in made
    assert "| first share | 1 | 1.50 | 1.50 | 2 | yes |" in made
    assert "resume" not in made
    assert made.endswith("Load average of the machine at the end: 3.5.")
