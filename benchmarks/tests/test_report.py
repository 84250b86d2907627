from pathlib import Path
from typing import Any

import pytest

from benchmarks import comparison, figures, goals, plots, report, rollout_table, tables
from benchmarks.results import Results

MACHINE = {"cpus": 2, "processor": "p", "kernel": "k", "paddle": "3.3.1", "python": "3.11", "commit": "abc"}


def row(server: str, protocol: str, connections: int, rate: float, cpu: float, **more: int) -> dict[str, Any]:
    return {
        "model": "cls",
        "server": server,
        "protocol": protocol,
        "connections": connections,
        "requests_per_second": rate,
        "p50_ms": 1000 / rate,
        "errors": 0,
        "cpu_ms": cpu,
        "cpu_ms_by_process": {"worker": cpu - 0.2, "HAProxy": 0.15, "supervisor": 0.05},
        **more,
    }


def serving() -> dict[str, Any]:
    rows = [
        row(figures.RAW, "", 1, 400, 2.5),
        row(figures.RAW, "", 2, 700, 2.8),
        row(figures.STOCK, "JSON", 1, 50, 12.0),
        row(figures.STOCK, "JSON", 16, 80, 12.0),
        row(figures.DIRECT, "JSON", 1, 250, 3.5),
        row(figures.DIRECT, "JSON", 16, 400, 3.9),
        row(figures.DIRECT, "OIP REST binary", 1, 320, 2.9),
        row(figures.DIRECT, "OIP REST binary", 16, 480, 3.2, errors=40),
        {"model": "cls", "server": "pipeline engine", "protocol": "JSON", "failed": "it did not come up"},
    ]
    return {"machine": MACHINE, "rows": rows}


def changed(change: str) -> dict[str, Any]:
    return {
        "change": change,
        "requests": 1200,
        "failed_requests": 0,
        "wrong_answers": 3,
        "slowest_ms": 81.4,
        "promised_pods": 2,
        "fewest_ready_pods": 2,
        "points": [[0.5, 100, 0], [2.5, 500, 100], [2.5, 500, 100], [4.5, 500, 700]],
    }


def soak(end: float) -> dict[str, Any]:
    def process(name: str, pid: int, rss: float) -> dict[str, Any]:
        return {"process": name, "pid": pid, "rss_mib": rss, "fds": 10, "threads": 2}

    samples = [
        {
            "answered": 1000 * turn,
            "seconds": float(turn),
            "processes": [process("worker", 7, 300 + (end - 300) * turn / 20), process("HAProxy", 8, 15)],
        }
        for turn in range(21)
    ]
    return {"machine": MACHINE, "rows": [{"protocols": ["JSON"], "sizes": [1, 16], "errors": 0, "samples": samples}]}


def served_memory(workers: int) -> dict[str, list[float]]:
    """All that have imported Paddle share 100 MiB of it."""
    share = 100 / (workers + 1)
    return {"supervisor": [40.0], "worker": [210.0 + share] * workers, "standby": [130.0 + share]}


def startup() -> dict[str, Any]:
    rows = [
        {
            "model": "rec",
            "workers": count,
            "alone": {
                "import_seconds": 1.0,
                "load_seconds": 0.5,
                "first_run_seconds": 0.1,
                "pss_mib": [200.0 + 100 / count] * count,
            },
            "served": {"ready_seconds": 3.0 + count, "pss_mib": served_memory(count)},
        }
        for count in (1, 2)
    ]
    return {"machine": MACHINE, "rows": rows}


def overload() -> dict[str, Any]:
    line = {
        "workers": 1,
        "seconds": 10.0,
        "peaks_per_second": [58.0, 62.0],
        "offered_per_second": 600.0,
        "goodput_per_second": 57.0,
        "goodput_percent": 95.0,
        "generator_cpu_seconds": 2.0,
        "by_status": {"200": {"count": 570}, "429": {"count": 5400, "p50_ms": 0.2, "p99_ms": 4.5}},
        "others": 0,
    }
    return {"machine": MACHINE, "rows": [line, {**line, "workers": 2, "goodput_percent": 71.0}]}


def recovery() -> dict[str, Any]:
    times = {("direct", True): (0.2, 1.3), ("direct", False): (5.0, 6.0), ("pipeline", True): (0.4, 3.2)}
    rows = [
        {"engine": engine, "standby": standby, "seconds": seconds, "again_seconds": 2.5, "requests": 600, "errors": 1}
        for (engine, standby), measured in ({**times, ("pipeline", False): (7.0, 6.0)}).items()
        for seconds in measured
    ]
    return {"machine": MACHINE, "rows": rows}


def compared() -> dict[str, Any]:
    rows = [
        {**row("direct engine", "JSON", 1, rate, cpu), "side": side, "turn": turn}
        for side, turn, rate, cpu in (
            ("this", 0, 300, 2.0),
            ("old", 0, 200, 4.0),
            ("this", 1, 100, 6.0),
            ("old", 1, 80, 12.0),
            ("this", 2, 1, 1.0),
        )
    ]
    return {"machine": MACHINE, "rows": rows}


def peers() -> dict[str, Any]:
    rows = [
        {"kind": "server", "peer": "LitServe", "turn": 0, "form": "JSON", "like": "JSON", "answer": "exact", **one}
        for one in (row(figures.DIRECT, "", 16, 400, 2.5), row("LitServe", "", 16, 200, 5.0))
    ]
    return {"machine": MACHINE, "rows": rows}


def raws() -> dict[str, Any]:
    return {
        "serving": serving(),
        "soak": soak(300.5),
        "rollout": {"rows": [changed("promoted"), changed("aborted")]},
        "startup": startup(),
        "overload": overload(),
        "recovery": recovery(),
        "compare": compared(),
        "peers": peers(),
    }


def test_a_row_a_series_and_a_column_a_number_of_connections() -> None:
    text = tables.serving(serving())
    assert "| requests/s (p50 ms) | 1 conn. | 16 conn. |" in text
    assert "| direct engine, JSON | 250 (4) | 400 (2.5) |" in text
    assert "| raw Paddle Inference, that many processes | 400 (2.5) | 700 (1.43) |" in text


def test_errors_and_failures_are_shown() -> None:
    text = tables.serving(serving())
    assert "40 errors" in text
    assert "| cls / pipeline engine / JSON | it did not come up |" in text


def test_cpu_beyond_the_predictor_is_a_difference_to_as_many_predictors_as_were_busy() -> None:
    rows = serving()["rows"]
    one, many = (figures.find(rows, server=figures.DIRECT, protocol="JSON", connections=count) for count in (1, 16))
    assert one is not None
    assert many is not None
    assert figures.beyond(rows, one) == pytest.approx(1.0)
    assert figures.beyond(rows, many) == pytest.approx(1.1)


def test_goals_are_met_missed_or_not_measured() -> None:
    found = {goal.goal.partition(":")[0] + goal.measured: goal.met for goal in goals.every(raws())}
    assert found["cls5.0 x"] is True
    assert found["cls1.00 ms"] is False
    assert found["cls0.40 ms"] is True
    assert found["1 workers95 %, 429 after 4.5 ms (p99), 0 others"] is True
    assert found["2 workers71 %, 429 after 4.5 ms (p99), 0 others"] is False
    assert found["direct engine1.3 s"] is True
    assert found["pipeline engine3.2 s"] is False
    assert found["CPU image at most 960 MB"] is None


def test_recovery_stands_beside_recovery_without_a_standby_process() -> None:
    assert "| direct | 0.2, 1.3 | 2.5, 2.5 | 5.0, 6.0 | 4 of 2,400 |" in tables.recovery(recovery())


def test_a_change_under_load_shows_what_failed_and_how_many_pods_were_left() -> None:
    raw = {"settings": {"changes": ["promoted", "operator_killed"]}, "rows": [changed("promoted")]}
    made = rollout_table.table(raw)
    assert "| promoted | 1,200 | 0 | 3 | 81 | 2 | 2 |" in made
    assert made.endswith("\n\nNot measured yet: operator killed.")
    assert "Not measured" not in rollout_table.table(raw | {"rows": [changed("promoted"), changed("operator_killed")]})
    assert rollout_table.rates(changed("promoted")["points"], 2) == ([2.5, 4.5], [50.0, 300.0])


def test_two_runtimes_are_compared_by_turns_that_both_have() -> None:
    assert "| cls, JSON | 1 | 8 | 4 | 0.50 | 140 | 200 | 1.38 |" in comparison.table(compared())


def test_what_a_rest_adds_to_the_predictor_alone_is_said_beside_the_goal() -> None:
    rows = serving()["rows"]
    rows[0]["rested_cpu_ms"] = 2.8
    (detail,) = [goal.detail for goal in goals.every({"serving": {"rows": rows}}) if goal.measured == "1.00 ms"]
    assert detail.endswith("the predictor alone takes 0.30 more after 1 ms of rest")


def test_no_server_can_be_faster_than_the_predictors_alone() -> None:
    assert figures.ceiling(serving()["rows"], "cls", "JSON", 16) == pytest.approx(700 / 80)


def test_a_further_worker_is_a_slope_beside_that_of_predictors_alone() -> None:
    assert figures.extra_worker(startup()["rows"], "rec") == pytest.approx((210.0, 200.0))


def test_memory_that_grows_is_seen_and_memory_that_does_not_is_not() -> None:
    (steady, grows) = (
        next(goal for goal in goals.every({"soak": soak(end)}) if "million" in goal.goal) for end in (300.5, 330)
    )
    assert steady.met is True
    assert grows.met is False
    assert "worker" in grows.measured


def test_memory_that_is_taken_in_the_first_half_is_no_growth() -> None:
    samples = soak(300)["rows"][0]["samples"]
    for number, sample in enumerate(samples):
        sample["processes"][1]["rss_mib"] = min(15 + number, 25)
    assert [growth.percent for growth in figures.memory_growth(samples)] == [0.0, 0.0]
    for number, sample in enumerate(samples[11:]):
        sample["processes"][1]["rss_mib"] = 26 + number
    assert figures.memory_growth(samples)[1].percent > 20


def test_a_process_that_was_replaced_is_measured_from_its_own_beginning() -> None:
    samples = soak(300)["rows"][0]["samples"]
    for sample in samples[-3:]:
        sample["processes"][0]["pid"] = 9
    assert [growth.process for growth in figures.memory_growth(samples)] == ["HAProxy"]


@pytest.mark.parametrize("name", plots.PLOTS)
def test_the_same_data_draw_the_same_plot_on_white_with_its_source(name: str) -> None:
    source, draw = plots.PLOTS[name]
    first, second = (plots.svg(draw, raws()[source], "sha256:abc") for _ in range(2))
    assert first == second
    assert "sha256:abc" in first
    assert "fill: #ffffff" in first


def test_a_page_gets_its_parts_and_keeps_the_rest() -> None:
    page = "before\n<!-- generated: a -->\nold\n<!-- end -->\nafter\n"
    once = report.render(page, {"a": "new"})
    assert once == "before\n<!-- generated: a -->\n\nnew\n\n<!-- end -->\nafter\n"
    assert report.render(once, {"a": "new"}) == once


def test_a_part_without_a_place_is_an_error() -> None:
    with pytest.raises(ValueError, match="generated parts"):
        report.render("nothing", {"a": "new"})


def test_the_page_has_a_place_for_every_section_and_what_is_missing_says_so() -> None:
    made = report.sections({})
    assert made["soak"] == report.NOT_YET
    report.render(report.PAGE.read_text(encoding="utf-8"), made)


def test_the_readme_shows_the_plot_of_the_peers_as_soon_as_there_is_one() -> None:
    page = report.README.read_text(encoding="utf-8")
    assert report.PEERS in report.render(page, report.readme({"peers": peers()}))
    assert report.PEERS not in report.render(page, report.readme({}))


def test_a_run_that_was_stopped_goes_on_and_one_with_other_settings_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.results.WORK", tmp_path)
    Results("x", {"seconds": 1}, tmp_path / "x.json", fresh=False).put("a", {"value": 1})
    assert Results("x", {"seconds": 1}, tmp_path / "x.json", fresh=False).rows == {"a": {"value": 1}}
    assert Results("x", {"seconds": 1}, tmp_path / "x.json", fresh=True).rows == {}
    assert Results("x", {"seconds": 2}, tmp_path / "x.json", fresh=False).rows == {}


def test_a_failure_is_in_the_raw_data_and_in_the_exit_status_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.results.WORK", tmp_path)
    results = Results("x", {}, tmp_path / "x.json", fresh=False)
    results.put("a", {"value": 1})
    results.fail({"model": "m"}, RuntimeError("why\nlog"))
    assert results.finish() == 1
    assert '"failed": "why"' in (tmp_path / "x.json").read_text()
    again = Results("x", {}, tmp_path / "x.json", fresh=False)
    assert again.rows == {"a": {"value": 1}}
    assert again.finish() == 0
