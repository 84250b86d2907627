"""The process that waits for the place of a worker, in a real `serve`."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from images.serving.tests.process.serve.conftest import Serving, request_body

STANDBY = "paddle_serving_standby"


def has_spare(serving: Serving) -> bool:
    return serving.metrics().get(STANDBY) == 1


def spare_pid(serving: Serving) -> int:
    """The child of `serve` that was started to wait and is no worker yet."""
    children = Path(f"/proc/{serving.process.pid}/task/{serving.process.pid}/children").read_text().split()
    waiting = [int(pid) for pid in children if b"--standby" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    (spare,) = set(waiting) - set(serving.worker_pids())
    return spare


def oom_score(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def last_loaded(serving: Serving) -> dict[str, Any]:
    return serving.logs("worker loaded")[-1]


def test_a_dead_worker_is_replaced_by_the_spare_process(
    serve: Callable[..., Serving], make_package: Callable[..., Path]
) -> None:
    serving = serve(make_package(), "--workers", "2").wait_ready()
    serving.wait_for(lambda: has_spare(serving), "a spare process")
    answer = serving.post(request_body()).text
    first_import = last_loaded(serving)["importSeconds"]
    spare, victim = spare_pid(serving), serving.worker_pids()[1]
    niceness = [os.getpriority(os.PRIO_PROCESS, pid) for pid in (victim, spare)]
    usual = oom_score(victim)
    assert oom_score(spare) == min(usual + 300, 1000)
    os.kill(victim, signal.SIGKILL)
    serving.wait_for(lambda: serving.worker_pids()[1] != victim, "another worker 1")
    assert serving.worker_pids()[1] == spare
    # as one that serves, before and after
    assert [*niceness, os.getpriority(os.PRIO_PROCESS, spare)] == [niceness[0]] * 3
    assert oom_score(spare) == usual
    assert last_loaded(serving)["importSeconds"] < first_import / 2
    serving.wait_for(lambda: serving.metrics()['paddle_serving_workers{phase="serving"}'] == 2, "two workers")
    assert {serving.post(request_body()).text for _ in range(8)} == {answer}
    # and there is one for the next
    serving.wait_for(lambda: has_spare(serving), "the next spare process")
    assert spare_pid(serving) != spare


def test_the_death_of_the_spare_process_is_no_crash(
    serve: Callable[..., Serving], make_package: Callable[..., Path]
) -> None:
    serving = serve(make_package()).wait_ready()
    serving.wait_for(lambda: has_spare(serving), "a spare process")
    os.kill(spare_pid(serving), signal.SIGKILL)
    serving.wait_for(lambda: bool(serving.logs("the standby process ended with status -9: ")), "its death in the log")
    serving.wait_for(lambda: has_spare(serving), "the next spare process")
    assert serving.metrics().get('paddle_serving_worker_restarts_total{worker="0"}') is None
    assert serving.status("/readyz") == 200


def test_a_service_ends_with_its_spare_process(
    serve: Callable[..., Serving], make_package: Callable[..., Path]
) -> None:
    serving = serve(make_package(), "--drain-delay", "0").wait_ready()
    serving.wait_for(lambda: has_spare(serving), "a spare process")
    spare = spare_pid(serving)
    serving.process.send_signal(signal.SIGTERM)
    assert serving.wait_exit() == 0
    assert not Path(f"/proc/{spare}").exists()


def test_without_standby_there_is_no_spare_process(
    serve: Callable[..., Serving], make_package: Callable[..., Path]
) -> None:
    serving = serve(make_package(), "--workers", "1", "--standby", "false").wait_ready()
    (victim,) = serving.worker_pids()
    os.kill(victim, signal.SIGKILL)
    serving.wait_for(lambda: serving.worker_pids() != [victim], "another worker")
    serving.wait_for(lambda: serving.status("/readyz") == 200, "readiness")
    assert serving.metrics()[STANDBY] == 0
    assert b"--standby" not in Path(f"/proc/{serving.worker_pids()[0]}/cmdline").read_bytes()
