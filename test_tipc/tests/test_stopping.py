import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import Repository

from tipc import stopping
from tipc.processes import Process


def wait_for(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def exists(pid: int) -> bool:
    path = Path(f"/proc/{pid}/stat")
    return path.exists() and path.read_text().rpartition(")")[2].split()[0] != "Z"


# a process in the background, or under nohup, ignores some of them, and what it starts does, too
DEFAULT_SIGNALS = "import os, signal, sys\nfor number in (1, 2, 15): signal.signal(number, signal.SIG_DFL)\n"
WITH_DEFAULT_SIGNALS = f"{DEFAULT_SIGNALS}os.execvp(sys.argv[1], sys.argv[1:])"


@pytest.mark.parametrize("number", stopping.SIGNALS)
def test_a_signal_to_the_script_leaves_nothing_running(root: Path, tmp_path: Path, number: signal.Signals) -> None:
    repository = Repository(tmp_path)
    repository.behave(starts_after=600)
    script = repository.service / "web_service.py"
    script.write_text("import os\nopen('pid', 'w').write(f'{os.getpid()}.')\n" + script.read_text())
    pid = repository.service / "pid"
    command = [
        sys.executable,
        "-c",
        WITH_DEFAULT_SIGNALS,
        "bash",
        str(root / "test_tipc/test_serving.sh"),
        str(repository.config),
    ]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # a terminal that is closed takes its output away too
    run = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        wait_for(lambda: pid.exists() and pid.read_text().endswith("."))
        assert run.stdout is not None
        run.stdout.close()
        run.send_signal(number)
        assert run.wait(120) == 128 + number
    finally:
        run.kill()
        run.wait()
    assert not exists(int(pid.read_text()[:-1]))


def test_a_signal_while_a_process_starts_ends_that_process_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[call-overload]
            started.append(self.pid)
            signal.raise_signal(signal.SIGHUP)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    before = {number: signal.getsignal(number) for number in stopping.SIGNALS}
    for number in stopping.SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    stopping.listen()
    try:
        with pytest.raises(SystemExit) as ended, Process(["sleep", "60"], tmp_path, os.environ, tmp_path / "log"):
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert ended.value.code == 128 + signal.SIGHUP
    assert not exists(started[0])


def test_nohup_keeps_a_run_when_its_terminal_is_closed() -> None:
    program = "import signal; from tipc import stopping; stopping.listen(); signal.raise_signal(signal.SIGHUP)"
    done = subprocess.run(
        ["nohup", sys.executable, "-c", program], capture_output=True, check=False, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 0
