"""Processes that do not outlive the worker that forked them."""

import ctypes
import os
import signal
import threading

_PR_SET_PDEATHSIG = 1
_ORPHANED = 1


def share_fate() -> None:
    """From now on every process that this one forks from its main thread dies with it, and theirs with them.

    The kernel sends the signal when the thread that forked ends, so forks of other threads, which may end long before
    their process, are left alone; the supervisor ends those with the worker's process group.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    parent = [0]

    def before() -> None:
        parent[0] = os.getpid() if threading.current_thread() is threading.main_thread() else 0

    def in_child() -> None:
        if not parent[0]:
            return
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent[0]:  # it ended before the kernel was told
            os._exit(_ORPHANED)

    os.register_at_fork(before=before, after_in_child=in_child)
