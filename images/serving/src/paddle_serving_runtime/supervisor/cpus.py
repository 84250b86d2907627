"""How many CPUs this container may use."""

import os
from pathlib import Path

_V2 = "cpu.max"
_V1_QUOTA = "cpu/cpu.cfs_quota_us"
_V1_PERIOD = "cpu/cpu.cfs_period_us"


def quota(root: Path) -> float | None:
    """CPUs of the cgroup mounted at `root` (v2 or v1), None where it has no limit.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max) and scheduler/sched-bwc.rst (cfs_quota_us).
    """
    try:
        if (root / _V2).exists():
            limit, period = (root / _V2).read_text().split()
        else:
            limit, period = (root / _V1_QUOTA).read_text(), (root / _V1_PERIOD).read_text()
        return None if limit == "max" or int(limit) <= 0 else int(limit) / int(period)
    except (OSError, ValueError):
        return None


def available_cpus(root: Path = Path("/sys/fs/cgroup")) -> float:
    """The CPU limit, or the CPUs that the scheduler lets this process use, whichever is smaller."""
    allowed = float(len(os.sched_getaffinity(0)))
    limit = quota(root)
    return allowed if limit is None else min(limit, allowed)


def workers_for(cpus: float, threads: int) -> int:
    """Workers of `threads` threads that fit into `cpus`, at least one."""
    return max(1, int(cpus / threads))
