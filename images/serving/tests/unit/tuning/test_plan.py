"""What is tried, and for how long."""

import pytest

from paddle_serving_runtime.tuning.plan import Group, Setting, plan, run_seconds


def test_threads_are_powers_of_two_and_all_cpus_and_workers_fill_what_is_left() -> None:
    assert [(group.threads, group.workers) for group in plan(["Default"], 6)] == [(1, 6), (2, 3), (4, 1), (6, 1)]
    assert plan(["Default", "OpenVINO"], 1) == (Group("Default", 1, 1), Group("OpenVINO", 1, 1))
    assert plan(["Default"], 200)[0].workers == 64


def test_a_group_is_one_worker_and_all_of_them_with_shared_runs_and_without() -> None:
    group = Group("Default", 2, 3)
    assert group.settings(batched=False) == (Setting("Default", 2, 1), Setting("Default", 2, 3))
    assert [str(setting) for setting in group.settings(batched=True)] == [
        "Default, 1 worker of 2 threads",
        "Default, 1 worker of 2 threads, batching",
        "Default, 3 workers of 2 threads",
        "Default, 3 workers of 2 threads, batching",
    ]
    assert Group("Default", 2, 1).settings(batched=False) == (Setting("Default", 2, 1),)


@pytest.mark.parametrize(
    ("left", "runs", "loading", "seconds"), [(60, 12, 36, 2.0), (40, 12, 28, 1.0), (10, 12, 28, 0.25), (1, 0, 0, 1.0)]
)
def test_runs_share_what_loading_leaves_of_the_time(left: float, runs: int, loading: float, seconds: float) -> None:
    assert run_seconds(left, runs, loading) == seconds
