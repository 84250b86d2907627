"""CPU seconds of a server's processes: from a cgroup of their own where one can be made, else from /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
PROC = Path("/proc")
_NANO = 1e9
_MICRO = 1e6
_EMPTY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Stat:
    """One process: seconds of its own and of its children that have ended (reaped by it), user and system."""

    parent: int
    own: float
    reaped: float


def parse_stat(text: str, ticks: int) -> Stat:
    """What /proc/<pid>/stat says; `ticks` per second. Source: proc(5): ppid 4, utime 14, stime 15, cutime, cstime."""
    fields = text.rpartition(")")[2].split()
    user, system, reaped_user, reaped_system = (int(field) for field in fields[11:15])
    return Stat(int(fields[1]), (user + system) / ticks, (reaped_user + reaped_system) / ticks)


def parse_cpu_stat(text: str) -> float:
    """Seconds in cpu.stat of a version 2 cgroup. Source: Linux, Documentation/admin-guide/cgroup-v2.rst."""
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == "usage_usec":
            return int(value) / _MICRO
    raise ValueError("cpu.stat has no usage_usec")


def own_cgroup(text: str, controller: str) -> str | None:
    """The path of a process in the hierarchy of `controller` ("" for version 2), by /proc/<pid>/cgroup."""
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path.lstrip("/")
    return None


class Cgroup:
    """A cgroup for one server; everything its processes and their children compute is counted, to the nanosecond."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def make(cls, name: str) -> Cgroup | None:
        """A new cgroup below that of this process; None where this process may not make one."""
        text = (PROC / "self" / "cgroup").read_text()
        for controller, root in (("cpuacct", CGROUPS / "cpuacct"), ("", CGROUPS)):
            path = own_cgroup(text, controller)
            if path is None or not (root / path / "cgroup.procs").exists():
                continue
            folder = root / path / name
            with suppress(OSError):
                folder.mkdir()
                return cls(folder)
        return None

    def seconds(self) -> float:
        """CPU seconds so far."""
        if (self.folder / "cpuacct.usage").exists():
            return int((self.folder / "cpuacct.usage").read_text()) / _NANO
        return parse_cpu_stat((self.folder / "cpu.stat").read_text())

    def pids(self) -> list[int]:
        """Every process in it."""
        return [int(pid) for pid in (self.folder / "cgroup.procs").read_text().split()]

    def remove(self) -> None:
        """Removes it when its last process is gone; leaves it, and says nothing, where one stays."""
        deadline = time.monotonic() + _EMPTY_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError):
                self.folder.rmdir()
                return
            time.sleep(0.05)


def stats(pids: Iterable[int] | None = None) -> dict[int, Stat]:
    """The processes that are there now, by pid; all where `pids` is None."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = {}
    names = (str(pid) for pid in pids) if pids is not None else (p.name for p in PROC.iterdir() if p.name.isdigit())
    for name in names:
        with suppress(OSError):
            found[int(name)] = parse_stat((PROC / name / "stat").read_text(), ticks)
    return found


def tree(root: int, processes: Mapping[int, Stat]) -> list[int]:
    """`root` and its descendants."""
    members = [root] if root in processes else []
    for member in members:
        members += [pid for pid, stat in processes.items() if stat.parent == member]
    return members


def tree_seconds(root: int) -> float:
    """CPU seconds of a process and all its descendants, the ended ones too if they were waited for."""
    processes = stats()
    return sum(processes[pid].own + processes[pid].reaped for pid in tree(root, processes))


def role(command: str) -> str:
    """Which part of the server a command line is."""
    for mark, name in (
        ("haproxy", "HAProxy"),
        ("paddle_serving_runtime.worker --standby", "standby"),
        ("paddle_serving_runtime.worker", "worker"),
        ("cli.main reference", "reference"),
        ("paddle-serving-runtime serve", "supervisor"),
        ("stock_server", "stock server"),
    ):
        if mark in command:
            return name
    return "other"


def command_of(pid: int) -> str:
    """The command line of a process; empty for one that is only waited for. Raises OSError where it has gone."""
    return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def by_role(pids: Iterable[int]) -> dict[str, float]:
    """CPU seconds so far of the living processes, added up by what they are."""
    sums: dict[str, float] = {}
    for pid, stat in stats(pids).items():
        with suppress(OSError):
            name = role(command_of(pid))
            sums[name] = sums.get(name, 0.0) + precise_seconds(pid, stat)
    return sums


def precise_seconds(pid: int, stat: Stat) -> float:
    """Own CPU seconds of a process to the nanosecond by schedstat of its threads, else by its ticks of 10 ms."""
    total = 0
    try:
        for thread in (PROC / str(pid) / "task").iterdir():
            total += int((thread / "schedstat").read_text().split()[0])
    except (OSError, IndexError, ValueError):
        return stat.own
    # threads that have ended are only in the ticks
    return max(total / _NANO, stat.own)
