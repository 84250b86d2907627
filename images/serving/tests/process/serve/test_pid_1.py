"""The supervisor as PID 1, as it is in a container."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

# leaves a process behind whose parent has ended: whoever is PID 1 inherits it, and its status
ORPHAN = "import subprocess\nsubprocess.run(['sh', '-c', 'sleep 3600 &'], check=True)\n"


def children(parent: int, name: str = "") -> list[tuple[int, str]]:
    """pid and state of the processes with this parent, from /proc/<pid>/stat."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, rest = path.read_text().rpartition(")")
        except OSError:
            continue
        pid, _, command = head.partition(" (")
        state, ppid = rest.split()[:2]
        if int(ppid) == parent and command.startswith(name):
            found.append((int(pid), state))
    return found


def test_it_reaps_orphans_drains_on_sigterm_and_leaves_nothing_behind(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path]
) -> None:
    if os.geteuid() != 0:
        pytest.skip("a PID namespace needs root")
    package = make_package()
    script = package / "web_service.py"
    script.write_text(ORPHAN + script.read_text())
    serving = serve(
        package, "--workers", "1", "--drain-delay", "0", prefix=("unshare", "--pid", "--fork", "--kill-child")
    )
    serving.wait_for(lambda: len(children(serving.process.pid)) == 1, "its process")
    ((supervisor, _),) = children(serving.process.pid)
    serving.wait_ready()
    orphans = children(supervisor, "sleep")
    assert orphans
    for pid, _ in orphans:
        os.kill(pid, signal.SIGKILL)
    gone = {pid for pid, _ in orphans}
    serving.wait_for(lambda: not gone & {pid for pid, _ in children(supervisor)}, "the orphans to be reaped")
    assert all(state != "Z" for _, state in children(supervisor))
    family = [pid for pid, _ in children(supervisor)]
    os.kill(supervisor, signal.SIGTERM)
    assert serving.wait_exit() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in family)
