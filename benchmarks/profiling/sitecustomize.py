"""Python imports this when it starts, where the folder is on PYTHONPATH: cProfile in workers, switched by signals.

It counts CPU time, not time that passes: a call that wakes another process does not pay for it. SIGUSR1 begins,
SIGUSR2 ends and writes $BENCH_PROFILE/<pid>.pstats. The product knows nothing of it.
"""

from __future__ import annotations

import cProfile
import os
import signal
import sys
import time
from pathlib import Path

if "paddle_serving_runtime.worker" in sys.orig_argv and os.environ.get("BENCH_PROFILE"):
    _profile = cProfile.Profile(time.process_time)

    def _begin(*_: object) -> None:
        _profile.clear()
        _profile.enable()

    def _end(*_: object) -> None:
        _profile.disable()
        target = Path(os.environ["BENCH_PROFILE"]) / f"{os.getpid()}.pstats"
        _profile.dump_stats(target.with_suffix(".new"))
        target.with_suffix(".new").rename(target)

    signal.signal(signal.SIGUSR1, _begin)
    signal.signal(signal.SIGUSR2, _end)
