"""The cache folder: finished artefacts, logs, and a lock, so that a run can be stopped anywhere and repeated."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from e2e.kind.console import Console
from e2e.kind.errors import SetupError

GIGABYTE = 1024**3
TAG = "CACHEDIR.TAG"
# The first line is fixed by the Cache Directory Tagging Specification; back-up programs skip such folders.
SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55"
TAG_TEXT = f"{SIGNATURE}\n# Made by Paddle Serving's e2e/kind; `python3 e2e/kind clean` removes it.\n"


def cache_folder(env: Mapping[str, str]) -> Path:
    """$PADDLE_SERVING_CACHE/kind, by default below $XDG_CACHE_HOME or ~/.cache. Absolute."""
    chosen = env.get("PADDLE_SERVING_CACHE")
    if chosen:
        return Path(chosen).absolute() / "kind"
    base = env.get("XDG_CACHE_HOME") or str(Path(env.get("HOME", "~")).expanduser() / ".cache")
    return Path(base).absolute() / "paddle-serving" / "kind"


def free_gigabytes(folder: Path) -> float:
    """GiB that are free for `folder`, which need not exist yet."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free / GIGABYTE


def has_space(folder: Path, gigabytes: float) -> bool:
    """Whether so much is free for it."""
    return free_gigabytes(folder) >= gigabytes


def require_space(folder: Path, gigabytes: float, purpose: str) -> None:
    """Raises SetupError where less is free for it."""
    if not has_space(folder, gigabytes):
        raise SetupError(
            f"Not enough disk space for {purpose}: {folder} needs {gigabytes:g} GB free"
            f" and has {free_gigabytes(folder):.1f} GB."
            " Free some, or set PADDLE_SERVING_CACHE (cache) or Docker's data-root (images) to a larger disk."
        )


class Cache:
    """Paths inside the cache folder. Files get their final name only once they are complete."""

    def __init__(self, root: Path) -> None:
        """Nothing is created before `prepare`."""
        self.root = root
        self.bin = root / "bin"  # the folder for PATH: links only
        self.built = root / "built"  # finished artefacts, the version in the name
        self.work = root / "work"  # thrown away at the start of every run
        self.logs = root / "log"
        self.go = root / "go"  # toolchain, module and build caches
        self.engine = root / "engine"
        self.clusters = root / "clusters"

    def prepare(self) -> None:
        """Creates the folder and tags it as ours. Raises SetupError where a file or a foreign folder is in the way."""
        if self.root.is_dir() and any(self.root.iterdir()) and not self._is_ours():
            raise SetupError(
                f"{self.root} exists, but was not made by e2e/kind (it has no {TAG} of ours)."
                " Move it away or set PADDLE_SERVING_CACHE to another folder."
            )
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            write_atomically(self.root / TAG, TAG_TEXT)
            for folder in (self.bin, self.built, self.work, self.logs, self.go, self.engine, self.clusters):
                folder.mkdir(exist_ok=True)
        except OSError as error:
            raise SetupError(
                f"The cache folder {self.root} cannot be written: {error}."
                " Set PADDLE_SERVING_CACHE to a folder of yours."
            ) from error

    def remove(self) -> None:
        """Deletes the folder, and the one above it once that is empty. Raises SetupError when it is not ours."""
        if not self.root.exists():
            return
        if not self._is_ours():
            raise SetupError(
                f"{self.root} was not made by e2e/kind (it has no {TAG} of ours) and stays."
                " Remove it by hand if nobody needs it."
            )
        shutil.rmtree(self.root)
        if not any(self.root.parent.iterdir()):
            self.root.parent.rmdir()

    def _is_ours(self) -> bool:
        tag = self.root / TAG
        return tag.is_file() and tag.read_text() == TAG_TEXT

    @contextmanager
    def lock(self, console: Console) -> Iterator[None]:
        """Keeps other runs on the same cache out; waits for one that is there, and says so."""
        with (self.root / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                with console.step("another e2e/kind uses this cache; waiting for it"):
                    fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def log(self, name: str) -> Path:
        """An empty log file for a step."""
        path = self.logs / f"{name}.log"
        path.write_text("")
        return path

    def workspace(self, name: str) -> Path:
        """An empty folder below `work`; whatever a run before left there is gone."""
        folder = self.work / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def artefact(self, path: Path, make: Callable[[Path], None]) -> bool:
        """Sees to it that `path`, a file or folder, exists and is complete.

        `make` gets a path of another name beside it to write to; only what it finished is renamed to `path`.
        Returns whether it had to be made.
        """
        if path.exists():
            return False
        part = path.with_name(f".{path.name}.part")
        discard(part)
        make(part)
        flush(part)
        part.replace(path)
        return True


def discard(path: Path) -> None:
    """Removes a file or a folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Puts a file's bytes on the disk, so that a crash after the rename cannot leave it empty."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Replaces a file's content in one go."""
    part = path.with_name(f".{path.name}.part")
    discard(part)
    part.touch(mode=mode)
    part.write_text(text)
    part.chmod(mode)
    flush(part)
    part.replace(path)
