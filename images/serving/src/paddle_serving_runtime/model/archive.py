"""Archives from somewhere else: unpacked without trusting anything they say."""

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from paddle_serving_runtime.errors import ModelUnavailable

_CHUNK = 1 << 20


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
            raise RefusedError(f"is larger than {self.limits.unpacked_bytes} bytes when unpacked")


def unpack(archive: Path, folder: Path, limits: Limits, progress: Callable[[int], None]) -> None:
    """Unpacks a tar (plain or compressed) or zip file into an existing folder.

    Only regular files and folders below `folder` are made, without owners, modes or times. `progress` is called with
    the bytes written so far. Raises ModelUnavailable for links, devices, absolute paths, `..`, repeated names,
    encrypted members, anything past `limits`, and for an archive that is broken.
    """
    budget = _Budget(limits)
    try:
        for name, is_folder, content in _members(archive):
            budget.add_member()
            target = folder / safe_name(name)
            if is_folder:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with content() as source, target.open("xb") as sink:
                while chunk := source.read(_CHUNK):
                    budget.add_bytes(len(chunk))
                    sink.write(chunk)
                    progress(budget.written)
    except RefusedError as error:
        raise ModelUnavailable(f"the archive {error}. Pack plain files and folders, and pack them again.") from None
    except FileExistsError as error:
        raise ModelUnavailable(f"the archive has {Path(str(error.filename)).name} twice. Pack it again.") from None
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelUnavailable(f"the archive is broken ({error}). Pack and upload it again.") from error


def safe_name(name: str) -> Path:
    """The name as a relative path below the package. Raises RefusedError."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
        raise RefusedError(f"has a member outside of itself, {name!r}")
    return Path(*parts)


Member = tuple[str, bool, Callable[[], IO[bytes]]]


def _members(archive: Path) -> Iterator[Member]:
    """Name, whether it is a folder, and how to open it, for every member; RefusedError for links and devices."""
    if zipfile.is_zipfile(archive):
        yield from _zip_members(archive)
    else:
        yield from _tar_members(archive)


def _tar_members(archive: Path) -> Iterator[Member]:
    with tarfile.open(archive, mode="r:*") as tar:
        for member in tar:
            if not (member.isreg() or member.isdir()):
                raise RefusedError(f"has a link or a device, {member.name!r}")

            def content(member: tarfile.TarInfo = member) -> IO[bytes]:
                opened = tar.extractfile(member)
                if opened is None:
                    raise RefusedError(f"has a member that is no file, {member.name!r}")
                return opened

            yield member.name, member.isdir(), content


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise RefusedError(f"has a link or a device, {member.filename!r}")
            if member.flag_bits & 1:
                raise RefusedError(f"has an encrypted member, {member.filename!r}")

            def content(member: zipfile.ZipInfo = member) -> IO[bytes]:
                return opened.open(member)

            yield member.filename, member.is_dir(), content
