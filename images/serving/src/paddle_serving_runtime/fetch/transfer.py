"""What every download has in common: progress, patience, and archives that become folders."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from paddle_serving_runtime.errors import ModelUnavailable
from paddle_serving_runtime.fetch.archive import Limits, unpack
from paddle_serving_runtime.package.manifest import MANIFEST, listed

Clock = Callable[[], float]
_EVERY_SECONDS = 5.0
_WINDOW_SECONDS = 60.0
WINDOW_BYTES = 64 << 10  # in that time
_MAC_FOLDER = "__MACOSX"
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}


class Progress:
    """Says how far a long copy is, at most every few seconds."""

    def __init__(self, say: Callable[[str], None], clock: Clock = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._started = self._said = clock()
        self._hear: Callable[[int], None] = _nobody

    @contextmanager
    def heard(self, hear: Callable[[int], None]) -> Iterator[None]:
        """Within the block `hear` gets, with every report, how many bytes there are at least, done or announced."""
        self._hear = hear
        try:
            yield
        finally:
            self._hear = _nobody

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        """Reports `done` bytes of `total`, if the last report is old enough."""
        self._hear(max(done, total or 0))
        now = self._clock()
        if now - self._said >= _EVERY_SECONDS:
            self._said = now
            of = f" of {total / 1e6:.0f}" if total else ""
            self._say(f"{what} {done / 1e6:.0f}{of} MB in {self.elapsed():.0f} s")

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._started


def _nobody(_size: int) -> None:
    """Hears of a copy that nobody asks about."""


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
                "is overloaded; the next attempt starts over."
            )
        self._since, self._at = now, done


def unpack_into(archive: Path, folder: Path, progress: Progress, limits: Limits) -> None:
    """Replaces an archive inside `folder` by what it holds.

    Folders around everything are taken off, and what Macs and Windows put beside people's files is left out where
    the manifest does not list it. Raises ModelUnavailable with what is wrong with the archive.
    """
    unpacked = folder / ".unpacked"
    unpacked.mkdir()
    unpack(archive, unpacked, limits, lambda done: progress("unpacked", done))
    archive.unlink()
    root = _package_root(unpacked)
    wanted = {MANIFEST, *listed(root)}
    for path in list(_litter(root)):
        if path.relative_to(root).as_posix() not in wanted:
            path.unlink()
    _remove_empty(root / _MAC_FOLDER)
    for path in list(root.iterdir()):
        path.rename(folder / path.name)
    shutil.rmtree(unpacked)


def _package_root(unpacked: Path) -> Path:
    """The folder with the manifest, where all that leads to it are folders alone; else where it was unpacked."""
    root = unpacked
    while not (root / MANIFEST).is_file():
        children = [path for path in root.iterdir() if path.name != _MAC_FOLDER and not _is_litter(path)]
        if len(children) != 1 or not children[0].is_dir():
            return unpacked
        root = children[0]
    return root


def _litter(root: Path) -> Iterator[Path]:
    """Files that no author has made: attributes of Mac files (`._x` and all below __MACOSX), how folders are shown."""
    for path in root.rglob("*"):
        if path.is_file() and (path.relative_to(root).parts[0] == _MAC_FOLDER or _is_litter(path)):
            yield path


def _is_litter(path: Path) -> bool:
    return path.name in _LITTER or path.name.startswith("._")


def _remove_empty(folder: Path) -> None:
    """Removes a folder whose folders hold no file."""
    if folder.is_dir() and not any(path.is_file() for path in folder.rglob("*")):
        shutil.rmtree(folder)
