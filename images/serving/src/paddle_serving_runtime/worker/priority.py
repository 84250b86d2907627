"""Which of a pod's processes wait for which, where there are fewer CPUs than work."""

import os

_NICENESS = 5
_MOST = 19


def yield_to_others() -> None:
    """For who serves or only stands by: a niceness of 5 beyond the supervisor's. May be called again.

    A worker that loads, HAProxy and the probes must not wait for requests, and requests not for an import that nobody
    needs yet.
    """
    supervisor = os.getpriority(os.PRIO_PROCESS, os.getppid())
    os.setpriority(os.PRIO_PROCESS, 0, min(supervisor + _NICENESS, _MOST))
