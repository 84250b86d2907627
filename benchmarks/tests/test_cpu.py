import os
import subprocess
import sys
import time

import pytest

from benchmarks import cpu

STAT = "4242 (a (strange) name) S 17 4242 4242 0 -1 4194560 100 200 0 0 150 50 300 100 20 0 1 0 5 6 7"


def test_a_stat_line_is_read_behind_a_name_with_brackets() -> None:
    assert cpu.parse_stat(STAT, 100) == cpu.Stat(parent=17, own=2.0, reaped=4.0)


def test_cpu_stat_of_a_version_2_cgroup_is_read_in_seconds() -> None:
    assert cpu.parse_cpu_stat("usage_usec 2500000\nuser_usec 1\nsystem_usec 2\n") == 2.5


def test_a_cpu_stat_without_usage_is_an_error() -> None:
    with pytest.raises(ValueError, match="usage_usec"):
        cpu.parse_cpu_stat("user_usec 1\n")


def test_the_own_cgroup_is_found_by_controller_and_in_version_2() -> None:
    text = "9:name=systemd:/\n2:cpu,cpuacct:/a/b\n0::/c\n"
    assert cpu.own_cgroup(text, "cpuacct") == "a/b"
    assert cpu.own_cgroup(text, "") == "c"
    assert cpu.own_cgroup(text, "memory") is None


def test_a_tree_has_children_of_children_and_nobody_else() -> None:
    parents = {1: 0, 2: 1, 3: 2, 4: 0, 5: 4}
    processes = {pid: cpu.Stat(parent, 0.0, 0.0) for pid, parent in parents.items()}
    assert sorted(cpu.tree(1, processes)) == [1, 2, 3]
    assert cpu.tree(99, processes) == []


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ("/venv/bin/python /venv/bin/paddle-serving-runtime serve --model-dir m", "supervisor"),
        ('python -m paddle_serving_runtime.worker {"model_dir":"m"}', "worker"),
        ("python -m paddle_serving_runtime.worker --standby 7 --model-dir m", "standby"),
        ("haproxy -f /run/paddle-serving-x/haproxy.cfg", "HAProxy"),
        ("sleep 1", "other"),
    ],
)
def test_a_process_is_known_by_its_command_line(command: str, role: str) -> None:
    assert cpu.role(command) == role


def test_cpu_of_a_tree_counts_a_child_that_has_ended() -> None:
    child = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    parent = (
        f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {child!r}])\nprint(flush=True)\ninput()"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        used = cpu.tree_seconds(process.pid)
        process.communicate(b"\n")
    assert used >= 0.29


def test_seconds_of_a_process_are_finer_than_its_ticks() -> None:
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    pid = os.getpid()
    before = cpu.precise_seconds(pid, cpu.stats([pid])[pid])
    assert before >= time.process_time() - 0.05
