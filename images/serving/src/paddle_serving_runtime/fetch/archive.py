"""Archives from somewhere else: unpacked without trusting anything they say."""

import bz2
import errno
import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from paddle_serving_runtime.errors import ModelUnavailable
from paddle_serving_runtime.fetch.tar_stream import HeaderTooLargeError, TarStream
from paddle_serving_runtime.package.manifest import UNFIT
from paddle_serving_runtime.words import counted, one_line

_CHUNK = 1 << 20
_MAX_NAME = 255  # bytes of one part of a path, on every file system in use
_MAX_DIRECTORY = 64 << 20  # bytes of a zip's list of members, which is read as a whole
_ZIP_UTF_8, _MS_DOS_FOLDER = 0x800, 0x10  # APPNOTE.TXT 6.3.10, 4.4.4 and 4.4.15
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_DECOMPRESSORS: dict[bytes, Callable[..., object]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True)
class Limits:
    """The largest package: bytes when unpacked, and number of files and folders."""

    unpacked_bytes: int = 64 << 30
    members: int = 100_000


class RefusedError(Exception):
    """A member that must not be unpacked, or an archive that cannot be read; the text says which and why."""


@dataclass
class _Budget:
    """What is left of the limits; counts what is really written, not what the archive announces."""

    limits: Limits
    written: int = 0
    members: int = 0

    def add_member(self) -> None:
        self.members += 1
        if self.members > self.limits.members:
            raise RefusedError(f"has more than {self.limits.members} members")

    def add_bytes(self, count: int) -> None:
        self.written += count
        if self.written > self.limits.unpacked_bytes:
            raise RefusedError(f"is larger than {counted(self.limits.unpacked_bytes, 'byte')} when unpacked")


def unpack(archive: Path, folder: Path, limits: Limits, progress: Callable[[int], None]) -> None:
    """Unpacks a tar (plain or compressed) or zip file into an existing folder.

    Only regular files and folders below `folder` are made, without owners, modes or times; archives inside stay
    archives. `progress` is called with the bytes written so far. Raises ModelUnavailable for links, devices, sparse
    files, absolute paths, `..`, names that no manifest can hold, repeated names, encrypted members, anything past
    `limits`, and for an archive that is broken.
    """
    budget = _Budget(limits)
    try:
        for name, is_folder, content in _members(archive, limits):
            budget.add_member()
            _write(folder / safe_name(name), content if not is_folder else None, budget, progress)
    except RefusedError as error:
        raise ModelUnavailable(f"the archive {error}. Pack plain files and folders, and pack them again.") from None
    except HeaderTooLargeError as error:
        raise ModelUnavailable(f"the archive has a header of more than {error} bytes. Pack it again.") from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        name = Path(str(error.filename)).name
        raise ModelUnavailable(f"the archive has {name} twice, or as file and folder. Pack it again.") from None
    except _BROKEN as error:
        raise _broken(error) from error
    except OSError as error:
        if error.errno is not None and error.errno != errno.EINVAL:
            raise  # of this machine's disk
        raise _broken(error) from error


def _broken(error: Exception) -> ModelUnavailable:
    return ModelUnavailable(f"the archive is broken ({one_line(error)}). Pack a .tar.gz or .zip and upload it again.")


def _write(
    target: Path, content: Callable[[], IO[bytes]] | None, budget: _Budget, progress: Callable[[int], None]
) -> None:
    """Makes the folder, or the file with its content."""
    if content is None:
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with content() as source, target.open("xb") as sink:
        while chunk := source.read(_CHUNK):
            budget.add_bytes(len(chunk))
            sink.write(chunk)
            progress(budget.written)


def safe_name(name: str) -> Path:
    """The name as a relative path below the package. Raises RefusedError.

    A backslash is what some archivers of Windows write for `/`; no name of a package has one.
    """
    given, name = name, name.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise RefusedError(f"has a member outside of itself, {_shown(given)}")
    if UNFIT.search(name):
        raise RefusedError(f"has a member whose name cannot stand in a manifest, {_shown(name)}")
    if any(len(part.encode()) > _MAX_NAME for part in parts):
        raise RefusedError(f"has a member whose name is longer than {_MAX_NAME} bytes, {_shown(name)}")
    return Path(*parts)


def _shown(name: str) -> str:
    text = ascii(name)
    return text if len(text) <= _MAX_NAME else f"{text[:_MAX_NAME]}...'"


Member = tuple[str, bool, Callable[[], IO[bytes]]]


def _members(archive: Path, limits: Limits) -> Iterator[Member]:
    """Name, whether it is a folder, and how to open it, for every member; RefusedError for links and devices."""
    with archive.open("rb") as opened:
        start = opened.read(8)
    # by how it begins: a tar may well end with what looks like the end of a zip, a zip that it holds
    if start.startswith(_ZIP):
        yield from _zip_members(archive, limits)
    else:
        yield from _tar_members(archive, start)


def _tar_members(archive: Path, start: bytes) -> Iterator[Member]:
    opener = next((opener for magic, opener in _DECOMPRESSORS.items() if start.startswith(magic)), open)
    with (
        cast("IO[bytes]", opener(archive, "rb")) as content,
        TarStream(content) as stream,
        tarfile.open(fileobj=stream, mode="r:") as tar,
    ):
        for member in tar:
            if not (member.isreg() or member.isdir()):
                raise RefusedError(f"has a link or a device, {_shown(member.name)}")
            if member.issparse():
                raise RefusedError(f"has a sparse file, {_shown(member.name)}")

            def content_of(member: tarfile.TarInfo = member) -> IO[bytes]:
                opened = tar.extractfile(member)
                if opened is None:
                    raise RefusedError(f"has a member that is not a file, {_shown(member.name)}")
                return opened

            stream.expect_content()
            yield member.name, member.isdir(), content_of
            stream.expect_header()


def _zip_members(archive: Path, limits: Limits) -> Iterator[Member]:
    _check_zip_directory(archive, limits)
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise RefusedError(f"has a link or a device, {_shown(member.filename)}")
            if member.flag_bits & 1:
                raise RefusedError(f"has an encrypted member, {_shown(member.filename)}")
            if not member.filename:
                raise RefusedError("has a member without a name")
            if "\0" in member.orig_filename:
                raise RefusedError(f"has a member outside of itself, {_shown(member.orig_filename)}")

            def content(member: zipfile.ZipInfo = member) -> IO[bytes]:
                return opened.open(member)

            yield _zip_name(member), _is_folder(member), content


def _zip_name(member: zipfile.ZipInfo) -> str:
    """The member's name; zipfile takes those without the mark for UTF-8, which a Mac leaves out, for code page 437."""
    if member.flag_bits & _ZIP_UTF_8:
        return member.filename
    try:
        return member.filename.encode("cp437").decode()
    except ValueError:
        return member.filename


def _is_folder(member: zipfile.ZipInfo) -> bool:
    marked = member.external_attr & _MS_DOS_FOLDER and not member.file_size
    return member.filename.endswith(("/", "\\")) or bool(marked)


def _check_zip_directory(archive: Path, limits: Limits) -> None:
    """Refuses a list of members that would not fit into memory, which zipfile reads before anything can be counted.

    Source: APPNOTE.TXT 6.3.10, 4.3.14 to 4.3.16; the end of the list is the last record of the file, but for a comment.
    """
    with archive.open("rb") as opened:
        size = opened.seek(0, 2)
        opened.seek(max(0, size - (1 << 16) - 22 - 76))
        tail = opened.read()
    end, end_64 = tail.rfind(b"PK\x05\x06"), tail.rfind(b"PK\x06\x06")
    if end < 0 or len(tail) < end + 22:
        raise zipfile.BadZipFile("it has no end")
    members, directory = struct.unpack_from("<10xHL", tail, end)
    if end_64 >= 0 and len(tail) >= end_64 + 48:
        members, directory = struct.unpack_from("<32xQQ", tail, end_64)
    if members > limits.members:
        raise RefusedError(f"has more than {limits.members} members")
    if directory > _MAX_DIRECTORY:
        raise RefusedError(f"has a list of members of {counted(directory, 'byte')}")
