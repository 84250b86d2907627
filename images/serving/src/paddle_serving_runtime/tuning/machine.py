"""How much memory there is for processes."""

import re
from pathlib import Path

_MIB = 2**20
_KIB = 2**10


def available_mib(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """What the machine has left, or the container's limit less what it uses (cgroup v2), whichever is smaller.

    Source: Linux, Documentation/filesystems/proc.rst (MemAvailable) and admin-guide/cgroup-v2.rst (memory.max).
    """
    found = re.search(r"^MemAvailable:\s+(\d+) kB", (proc / "meminfo").read_text(), re.MULTILINE)
    free = int(found[1]) * _KIB if found else 0
    try:
        limit, used = ((cgroup / name).read_text().strip() for name in ("memory.max", "memory.current"))
        free = free if limit == "max" else min(free, int(limit) - int(used))
    except (OSError, ValueError):
        pass
    return free / _MIB
