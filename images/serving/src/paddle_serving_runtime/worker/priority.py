"""Which of a pod's processes give way to which, where there are fewer CPUs or less memory than they want."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NICENESS = 5
_MOST = 19
_OOM_SCORE = Path("/proc/self/oom_score_adj")
_SPARE_OOM_SCORE = 300
_MOST_OOM_SCORE = 1000
"""Source: proc(5): as much as all of the memory that there may be."""


def yield_to_others() -> None:
    """For who serves or only stands by: a niceness of 5 beyond the supervisor's. May be called again.

    A worker that loads, HAProxy and the probes must not wait for requests, and requests not for an import that nobody
    needs yet.
    """
    supervisor = os.getpriority(os.PRIO_PROCESS, os.getppid())
    os.setpriority(os.PRIO_PROCESS, 0, min(supervisor + _NICENESS, _MOST))


@contextmanager
def spare_goes_first() -> Iterator[None]:
    """Out of memory, the kernel ends this process before one that serves, but not before one that takes it all.

    While what it has ended gives its memory back the kernel may end a second process, the largest that is left; that
    cost the requests of another worker (Linux 6.18, cgroup v1). 300 is three tenths of the memory that there may be.
    """
    try:
        own = int(_OOM_SCORE.read_text())
        _OOM_SCORE.write_text(str(min(own + _SPARE_OOM_SCORE, _MOST_OOM_SCORE)))
    except OSError:
        # a container runtime that keeps it from its processes; nothing else depends on it
        yield
        return
    yield
    _OOM_SCORE.write_text(str(own))
