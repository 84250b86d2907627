"""Model packages in a directory: of a volume, of a model image, of a mounted ConfigMap."""

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from paddle_serving_runtime.errors import DigestMismatch, ModelUnavailable
from paddle_serving_runtime.fetch.config_map import paths_by_key
from paddle_serving_runtime.fetch.reading_back import ReadingBack
from paddle_serving_runtime.fetch.transfer import Progress
from paddle_serving_runtime.package.manifest import MANIFEST, entries, require_same_files, shown
from paddle_serving_runtime.paddle_model.files import LOST_AND_FOUND

_PIECE = 16 << 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # of the output, not of the source


def from_directory(source: Path, digest: str, folder: Path, progress: Progress) -> Mapping[str, str]:
    """Copies a directory. The digest of its manifest is checked before anything is copied.

    Returns the sha256 (64 hex digits) of every file in `folder`, read back, by its path. Raises
    ModelUnavailable where the directory cannot be read, DigestMismatch where it is another package, OSError where
    there is no room for the copy.
    """
    if not source.is_dir():
        raise ModelUnavailable(f"{source} does not exist or is not a directory. Check the path inside the volume.")
    try:
        if next(source.iterdir(), None) is None:
            raise ModelUnavailable(f"{source} is empty. Check the path inside the volume, and that the model is there.")
        expected = entries(source, digest)
        files = list(_regular_files(source))
        names = {path.relative_to(source).as_posix() for path in files}
        require_same_files(expected, names - {MANIFEST}, str(source))
        return _copied({path: path.relative_to(source).as_posix() for path in files}, folder, progress)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise
        raise ModelUnavailable(f"{error.filename or source} cannot be read: {error.strerror or error}.") from error


def from_config_map(source: Path, digest: str, folder: Path, progress: Progress) -> Mapping[str, str]:
    """Copies the files of a mounted ConfigMap, whose keys are the manifest's paths with `__` for `/`.

    The kubelet mounts links into a hidden folder that `..data` points to; exactly that folder is read. Returns what
    `from_directory` does. Raises ModelUnavailable, and DigestMismatch where it holds another package.
    """
    base = source / "..data"
    base = (base if base.exists() else source).resolve()
    if not base.is_dir() or not base.is_relative_to(source.resolve()):
        raise ModelUnavailable(f"{source} is not a mounted ConfigMap. Check spec.model.source.configMap.name.")
    files = {path.name: path for path in base.iterdir() if path.is_file() and not path.is_symlink()}
    if not files:
        raise ModelUnavailable(
            f"{source} has no files. Check that the ConfigMap of spec.model.source.configMap.name exists and has data."
        )
    try:
        paths = {MANIFEST: MANIFEST, **paths_by_key(entries(base, digest), files)}
        require_same_files(paths.values(), [paths.get(key, key) for key in files], str(base))
    except DigestMismatch as error:
        # the folder of the kubelet has another name in every mount
        raise DigestMismatch(error.message.replace(f"{base}/", "")) from error
    try:
        return _copied({path: paths[key] for key, path in sorted(files.items())}, folder, progress)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise
        raise ModelUnavailable(f"{source} cannot be copied: {error}.") from error


def _regular_files(root: Path) -> Iterator[Path]:
    """Every file below `root`; raises ModelUnavailable for links and devices, leaves out a volume's lost+found."""
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as items:
            for item in items:
                path = Path(item.path)
                mode = item.stat(follow_symlinks=False).st_mode
                if S_ISDIR(mode) and path == root / LOST_AND_FOUND:
                    continue
                if S_ISDIR(mode):
                    waiting.append(path)
                elif S_ISREG(mode):
                    yield path
                else:
                    raise ModelUnavailable(
                        f"{shown(str(path))} is a link or a device. A package has files and folders only."
                    )


def _copied(names: Mapping[Path, str], folder: Path, progress: Progress) -> Mapping[str, str]:
    """Copies files to their names in the folder; the sha256 of each as it is there. Raises what `_copy` raises."""
    total = sum(path.lstat().st_size for path in names)
    done, digests = 0, {}
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading-back") as thread:
        for path, name in names.items():
            done, digests[name] = _copy(
                path, folder / name, thread, lambda moved: progress("copied", moved, total), done
            )
    return digests


def _copy(
    source: Path, target: Path, thread: ThreadPoolExecutor, say: Callable[[int], None], done: int
) -> tuple[int, str]:
    """Copies one file. Returns the bytes copied so far, all files together, and the sha256 of this one.

    Others may write to the volume meanwhile: a file that has become a link or a device is refused, and no more is
    read than it had when it was opened. Raises ModelUnavailable.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(source, "rb", opener=_open_itself) as reader, target.open("x+b") as writer:
        state = os.fstat(reader.fileno())
        if not S_ISREG(state.st_mode):
            raise ModelUnavailable(f"{shown(str(source))} became a device while it was read.")
        left = state.st_size
        reading_back = ReadingBack(writer, thread)
        # within the kernel: through Python's buffers a copy takes nine times the CPU
        while moved := os.sendfile(writer.fileno(), reader.fileno(), None, min(_PIECE, left)):
            left -= moved
            done += moved
            reading_back.written(moved)
            say(done)
        if left or reader.read(1):
            raise ModelUnavailable(f"{shown(str(source))} changed while it was copied. Let the writer finish first.")
        return done, reading_back.hexdigest()


def _open_itself(path: str, flags: int) -> int:
    """Opens the file, not what a link points to, and does not wait for the other end of a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
