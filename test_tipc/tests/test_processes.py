import os
import subprocess
import sys
import time
from pathlib import Path

from tipc.processes import Process, run

CHILD = (
    "import subprocess, sys, time; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); time.sleep(600)"
)


def exists(pid: int) -> bool:
    path = Path(f"/proc/{pid}/stat")
    return path.exists() and path.read_text().rpartition(")")[2].split()[0] != "Z"


def first_line(log: Path) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if "\n" in (text := log.read_text()):
            return text.splitlines()[0]
        time.sleep(0.02)
    raise AssertionError(f"nothing in {log} after 120 s")


def test_leaving_stops_the_whole_group_and_nothing_else(tmp_path: Path) -> None:
    # The original killed every process of the user with `web_service` or `pipeline` in its command line.
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "web_service pipeline"])
    try:
        with Process([sys.executable, "-c", CHILD], tmp_path, os.environ, tmp_path / "log"):
            child = int(first_line(tmp_path / "log"))
            assert exists(child)
        assert not exists(child)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_command_past_its_time_is_status_124_and_gone(tmp_path: Path) -> None:
    command = ["sh", "-c", "sleep 600 & echo $!; wait"]  # an interpreter may need longer to print something
    assert run(command, tmp_path, os.environ, tmp_path / "log", 2.0) == 124
    assert not exists(int((tmp_path / "log").read_text()))


def test_a_command_that_does_not_exist_is_status_127_with_the_reason(tmp_path: Path) -> None:
    assert run(["no-such-command"], tmp_path, os.environ, tmp_path / "log", 60.0) == 127
    assert (tmp_path / "log").read_text() == "no-such-command: No such file or directory\n"


def test_stdout_and_stderr_go_to_the_log(tmp_path: Path) -> None:
    script = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
    assert run([sys.executable, "-c", script], tmp_path, os.environ, tmp_path / "log", 120.0) == 3
    assert (tmp_path / "log").read_text().split() == ["out", "err"]
