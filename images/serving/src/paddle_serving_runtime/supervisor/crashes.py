"""When to restart a worker that died, and when to give up: pure."""

from dataclasses import dataclass

LOOP_CRASHES = 5
LOOP_SECONDS = 60.0
_FIRST_DELAY = 0.25


@dataclass(frozen=True)
class CrashHistory:
    """The times of the last crashes of all workers, in seconds of one clock."""

    times: tuple[float, ...] = ()

    def after(self, now: float) -> "CrashHistory":
        """The history with one more crash; what is older than a minute is forgotten."""
        return CrashHistory((*(time for time in self.times if time > now - LOOP_SECONDS), now))

    @property
    def is_loop(self) -> bool:
        """Whether the workers crash as fast as they are started."""
        return len(self.times) >= LOOP_CRASHES

    @property
    def delay(self) -> float:
        """Seconds to wait before the next start: none after a single crash, then doubling."""
        return _FIRST_DELAY * 2 ** (len(self.times) - 2) if len(self.times) > 1 else 0.0
