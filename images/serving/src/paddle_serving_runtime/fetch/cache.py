"""Packages that pods of one node, or of one volume, have fetched already, by digest.

What is taken from here is verified like a download: a changed file is found, and the package is fetched anew. Locks
are those of the file system (flock), so that the death of a pod leaves none behind. A package's lock file also says
how large the package is where that is more than all of the cache, so that nobody waits for a copy which is not kept.
"""

import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISDIR
from typing import NamedTuple, TextIO

from paddle_serving_runtime.errors import DigestMismatch, ModelUnavailable
from paddle_serving_runtime.fetch.delivery import Fill, fetch
from paddle_serving_runtime.fetch.sources import from_directory
from paddle_serving_runtime.fetch.transfer import Progress
from paddle_serving_runtime.package.manifest import require_digest

_LOG = logging.getLogger(__name__)
_PARTIAL = ".partial-"
_EVERYTHING = ".lock"


class _Package(NamedTuple):
    """A package in the cache: when it was last used, in nanoseconds since 1970, and its size in bytes."""

    used: int
    path: Path
    size: int


class Cache:
    """A folder that keeps packages, of at most `limit` bytes together."""

    def __init__(self, folder: Path, limit: int, progress: Progress) -> None:
        self._packages, self._locks = folder / "packages", folder / "locks"
        self._limit = limit
        self._progress = progress

    def fetch(self, fill: Fill, digest: str, output: Path) -> bool:
        """As `delivery.fetch`, but `fill` is not called where the package is here, and what it brings is kept.

        Of several that want the same package at once the first fetches, the others wait for it. A cache that cannot
        be used costs a line in the log and nothing else.
        """
        require_digest(digest)
        try:
            held = self._hold(digest)
        except OSError as error:
            return self._without(error, fill, digest, output)
        with held:
            if (new := self._take(digest, output)) is not None:
                return new
            try:
                # NFS does not let go of the first by itself: of two pods that want the second each would wait for ever
                fcntl.flock(held, fcntl.LOCK_UN)
                fcntl.flock(held, fcntl.LOCK_EX)
            except OSError as error:
                return self._without(error, fill, digest, output)
            if (size := _noted(held)) <= self._limit:
                new = self._take(digest, output)  # somebody was faster
                return new if new is not None else self._fetch(held, fill, digest, output)
        _LOG.warning("the cache is not used: %s", self._too_large(size))
        return fetch(fill, digest, output)

    def _fetch(self, held: TextIO, fill: Fill, digest: str, output: Path) -> bool:
        """Fetches a package whose lock is held, and keeps it."""
        with self._progress.heard(lambda size: self._let_go(held, size)):
            new = fetch(fill, digest, output)
        size = _size(output)
        if size <= self._limit < _noted(held):  # of an archive with less in it than it has itself
            self._note(held, size)
        self._let_go(held, size)
        self._keep(digest, output, size)
        return new

    def _let_go(self, held: TextIO, size: int) -> None:
        """Nobody needs to wait for a package that is larger than the cache: ends the lock, as soon as that is known."""
        if size > self._limit >= _noted(held) and self._note(held, size):
            fcntl.flock(held, fcntl.LOCK_UN)

    def _note(self, held: TextIO, size: int) -> bool:
        """Writes the size into the package's lock file. Returns whether that was possible."""
        try:
            os.ftruncate(held.fileno(), 0)
            os.pwrite(held.fileno(), str(size).encode(), 0)
        except OSError as error:
            _LOG.warning("%s cannot be written: %s", self._locks, error.strerror)
            return False
        return True

    def _too_large(self, size: int) -> str:
        return (
            f"the package has {size / 1e6:.1f} MB or more, and the cache takes {self._limit / 1e6:.1f} MB of all "
            "packages together, so that every pod fetches this one by itself. Raise --cache-limit "
            "(fetch.cache.limit of the profile), or go without a cache."
        )

    def _without(self, error: OSError, fill: Fill, digest: str, output: Path) -> bool:
        _LOG.warning("the cache cannot be used: %s: %s", self._locks, error.strerror or error)
        return fetch(fill, digest, output)

    def _hold(self, digest: str) -> TextIO:
        """Locks a package against removal, when nobody is fetching it any more."""
        self._packages.mkdir(parents=True, exist_ok=True)
        self._locks.mkdir(exist_ok=True)
        held = self._lock_file(digest)
        try:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            _LOG.info("another pod is fetching %s into the cache; waiting for it", digest)
            fcntl.flock(held, fcntl.LOCK_SH)
        return held

    def _take(self, digest: str, output: Path) -> bool | None:
        """Delivers the package from here; None where it is not here, or not what it was."""
        path = self._path(digest)
        try:
            if not S_ISDIR(os.lstat(path).st_mode):
                _LOG.warning("%s is in the cache, and no folder; the package is fetched anew in its place", path)
                self._drop(path)
                return None
            new = fetch(lambda stage: from_directory(path, digest, stage, self._progress), digest, output)
        except FileNotFoundError:
            return None
        except ModelUnavailable as error:
            _LOG.warning("the cached package is not used: %s", error.message)
            return None
        except OSError as error:
            _LOG.warning("the cached package is not used: %s: %s", path, error.strerror or error)
            return None
        except DigestMismatch as error:
            _LOG.warning("the cached package has changed, and is fetched anew: %s", error.message)
            self._drop(path)
            return None
        if new:
            _LOG.info("taken from the cache: %s", digest)
        _mark_used(path)
        return new

    def _keep(self, digest: str, output: Path, size: int) -> None:
        """Copies a package that was just verified into the cache, where there is room for it."""
        if size > self._limit:
            _LOG.warning("not kept in the cache: %s", self._too_large(size))
            return
        try:
            with self._alone():
                if not self._make_room(size):
                    _LOG.info("not kept in the cache: what other pods are copying leaves no %.1f MB free", size / 1e6)
                    return
                partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=self._packages))
                try:
                    from_directory(output, digest, partial, self._progress)
                    partial.rename(self._path(digest))
                except BaseException:
                    shutil.rmtree(partial, ignore_errors=True)
                    raise
            _LOG.info("kept in the cache: %s", digest)
        except (OSError, DigestMismatch, ModelUnavailable) as error:
            _LOG.warning("not kept in the cache: %s", error)

    def _make_room(self, wanted: int) -> bool:
        """Removes what was used longest ago until `wanted` bytes fit; False where too much of it is being copied."""
        for path in self._packages.glob(f"{_PARTIAL}*"):  # of a pod that was ended; nobody else is at work now
            shutil.rmtree(path, ignore_errors=True)
        kept = sorted(
            _Package(path.stat().st_mtime_ns, path, _size(path)) for path in self._packages.iterdir() if path.is_dir()
        )
        room = self._limit - sum(package.size for package in kept)
        for package in kept:
            if room >= wanted:
                break
            if self._drop_unused(package.path):
                room += package.size
        return room >= wanted

    def _drop_unused(self, path: Path) -> bool:
        """Removes a package that nobody is copying at this moment."""
        with self._lock_file(path.name) as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            self._drop(path)
        _LOG.info("removed from the cache: %s", path.name)
        return True

    def _drop(self, path: Path) -> None:
        """Out of sight first, so that nobody finds half of it."""
        try:
            gone = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=self._packages))
            path.rename(gone / path.name)
        except OSError as error:
            _LOG.warning("%s cannot be removed from the cache: %s", path, error.strerror)
            return
        shutil.rmtree(gone, ignore_errors=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One pod at a time counts what is here, and adds to it."""
        with self._lock_file(_EVERYTHING) as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield

    def _lock_file(self, name: str) -> TextIO:
        # NFS gives an exclusive lock only on a file that is open for writing
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        return os.fdopen(os.open(self._locks / name.removeprefix("sha256:"), flags, 0o666))

    def _path(self, digest: str) -> Path:
        return self._packages / digest.removeprefix("sha256:")


def _noted(held: TextIO) -> int:
    """The size that a package's lock file tells, 0 where it tells none."""
    try:
        return int(os.pread(held.fileno(), 32, 0) or b"0")
    except (OSError, ValueError):
        return 0


def _mark_used(path: Path) -> None:
    try:
        os.utime(path)
    except OSError as error:  # another user's, for example: then it goes earlier than it should
        _LOG.warning("%s cannot be marked as used: %s", path, error.strerror)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
