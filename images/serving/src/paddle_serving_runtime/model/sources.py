"""Where model packages come from: each source fills an empty folder."""

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from urllib.parse import urlsplit

import requests

from paddle_serving_runtime.errors import InvalidOption, ModelUnavailable
from paddle_serving_runtime.model.archive import Limits, RefusedError, safe_name, unpack
from paddle_serving_runtime.model.manifest import MANIFEST, entries

_CHUNK = 1 << 20
_CONNECT_SECONDS, _SILENCE_SECONDS = 10.0, 60.0
_LOST_AND_FOUND = "lost+found"
_SEPARATOR = re.compile(r"(?<=[^_])__(?=[^_]|__[^_])")


class Progress:
    """Says how far a long copy is, at most every few seconds."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
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


_EVERY_SECONDS = 5.0


def from_directory(source: Path, digest: str, folder: Path, progress: Progress) -> None:
    """Copies a directory. The digest of its manifest is checked before anything is copied.

    Raises ModelUnavailable where the directory cannot be read, DigestMismatch where it is another package.
    """
    if not source.is_dir():
        raise ModelUnavailable(f"{source} does not exist or is not a directory. Check the path inside the volume.")
    try:
        if next(source.iterdir(), None) is None:
            raise ModelUnavailable(f"{source} is empty. Check the path inside the volume, and that the model is there.")
        entries(source, digest)
        files = list(_regular_files(source))
        total = sum(path.stat().st_size for path in files)
        done = 0
        for path in files:
            done = _copy(path, folder / path.relative_to(source), progress, done, total)
    except OSError as error:
        raise ModelUnavailable(f"{error.filename or source} cannot be read: {error.strerror or error}.") from error


def from_config_map(source: Path, folder: Path, progress: Progress) -> None:
    """Copies the files of a mounted ConfigMap, in which `__` in a name stands for `/`.

    The kubelet mounts links into a hidden folder that `..data` points to; exactly that folder is read. The `__` of
    names such as __model__ and __init__.py stays. Raises ModelUnavailable.
    """
    base = source / "..data"
    base = base.resolve() if base.exists() else source
    if not base.is_dir() or not base.is_relative_to(source.resolve()):
        raise ModelUnavailable(f"{source} is not a mounted ConfigMap. Check spec.model.source.configMap.name.")
    files = sorted(path for path in base.iterdir() if path.is_file() and not path.is_symlink())
    if not files:
        raise ModelUnavailable(
            f"{source} has no files. Check that the ConfigMap of spec.model.source.configMap.name exists and has data."
        )
    total = sum(path.stat().st_size for path in files)
    done = 0
    try:
        for path in files:
            done = _copy(path, folder / safe_name(_SEPARATOR.sub("/", path.name)), progress, done, total)
    except (OSError, RefusedError) as error:
        raise ModelUnavailable(f"{source} cannot be copied: {error}.") from error


def from_http(url: str, folder: Path, progress: Progress, limits: Limits) -> None:
    """Downloads a tar.gz, tar or zip and unpacks it; one folder around everything is taken off.

    Raises ModelUnavailable with the HTTP status or what is wrong with the archive.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidOption(f"--from-http takes http:// and https:// URLs, not {shown_url(url)!r}.")
    archive = folder / ".archive"
    _download(url, archive, progress, limits)
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


def shown_url(url: str) -> str:
    """The URL without user, password and query, which may be secrets."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def _download(url: str, target: Path, progress: Progress, limits: Limits) -> None:
    try:
        with (
            requests.get(url, stream=True, timeout=(_CONNECT_SECONDS, _SILENCE_SECONDS)) as response,
            target.open("xb") as sink,
        ):
            if response.status_code != requests.codes.ok:
                raise ModelUnavailable(
                    f"GET {shown_url(url)}: HTTP {response.status_code} {response.reason}. Check the URL and who may "
                    "read it."
                )
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else None
            done = 0
            for chunk in response.iter_content(_CHUNK):
                done += len(chunk)
                if done > limits.unpacked_bytes:
                    raise ModelUnavailable(f"{shown_url(url)} is larger than {limits.unpacked_bytes} bytes.")
                sink.write(chunk)
                progress("downloaded", done, total)
    except requests.RequestException as error:
        reason = " ".join(str(error).replace(url, shown_url(url)).split())
        raise ModelUnavailable(f"GET {shown_url(url)} failed: {type(error).__name__}: {reason[:400]}") from None


def _package_root(unpacked: Path) -> Path:
    children = list(unpacked.iterdir())
    alone = len(children) == 1 and children[0].is_dir()
    return children[0] if alone and (children[0] / MANIFEST).is_file() else unpacked


def _regular_files(root: Path) -> Iterator[Path]:
    """Every file below `root`; raises ModelUnavailable for links and devices, leaves out a volume's lost+found."""
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as items:
            for item in items:
                path = Path(item.path)
                mode = item.stat(follow_symlinks=False).st_mode
                if S_ISDIR(mode) and path == root / _LOST_AND_FOUND:
                    continue
                if S_ISDIR(mode):
                    waiting.append(path)
                elif S_ISREG(mode):
                    yield path
                else:
                    raise ModelUnavailable(f"{path} is a link or a device. A package has files and folders only.")


def _copy(source: Path, target: Path, progress: Progress, done: int, total: int) -> int:
    """Copies one file and returns the bytes copied so far, all files together."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(_CHUNK):
            writer.write(chunk)
            done += len(chunk)
            progress("copied", done, total)
    return done
