"""What every download has in common: progress, patience, and archives that become folders."""

import time
from collections.abc import Callable
from pathlib import Path

from paddle_serving_runtime.errors import ModelUnavailable
from paddle_serving_runtime.model.archive import Limits, unpack
from paddle_serving_runtime.model.manifest import MANIFEST

Clock = Callable[[], float]
_EVERY_SECONDS = 5.0
_WINDOW_SECONDS = 60.0
WINDOW_BYTES = 64 << 10  # in that time


class Progress:
    """Says how far a long copy is, at most every few seconds."""

    def __init__(self, say: Callable[[str], None], clock: Clock = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._started = self._said = clock()

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        """Reports `done` bytes of `total`, if the last report is old enough."""
        now = self._clock()
        if now - self._said >= _EVERY_SECONDS:
            self._said = now
            of = f" of {total / 1e6:.0f}" if total else ""
            self._say(f"{what} {done / 1e6:.0f}{of} MB in {self.elapsed():.0f} s")

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._started


class Pace:
    """Ends a transfer that only trickles: time-outs of a socket never see a server that sends a byte now and then."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._since, self._at = clock(), 0

    def check(self, done: int) -> None:
        """Raises ModelUnavailable where `done` bytes are hardly more than a minute ago."""
        now = self._clock()
        if now - self._since < _WINDOW_SECONDS:
            return
        if done - self._at < WINDOW_BYTES:
            raise ModelUnavailable(
                f"only {done - self._at} bytes arrived within {now - self._since:.0f} s. The store or the way to it "
                "is overloaded; the next attempt begins anew."
            )
        self._since, self._at = now, done


def unpack_into(archive: Path, folder: Path, progress: Progress, limits: Limits) -> None:
    """Replaces an archive inside `folder` by what it holds; one folder around everything is taken off.

    Raises ModelUnavailable with what is wrong with the archive.
    """
    unpacked = folder / ".unpacked"
    unpacked.mkdir()
    unpack(archive, unpacked, limits, lambda done: progress("unpacked", done))
    archive.unlink()
    root = _package_root(unpacked)
    for path in list(root.iterdir()):
        path.rename(folder / path.name)
    for leftover in {root, unpacked}:
        if leftover.exists() and leftover != unpacked:
            leftover.rmdir()
    unpacked.rmdir()


def _package_root(unpacked: Path) -> Path:
    children = list(unpacked.iterdir())
    alone = len(children) == 1 and children[0].is_dir()
    return children[0] if alone and (children[0] / MANIFEST).is_file() else unpacked
