"""MANIFEST.sha256: which files a package has, and what is in them."""

import hashlib
import hmac
import os
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from types import MappingProxyType

from paddle_serving_runtime.errors import DigestMismatch, ModelInvalid, ModelUnavailable
from paddle_serving_runtime.paddle_model.files import LOST_AND_FOUND

MANIFEST = "MANIFEST.sha256"
_PARTIAL = f".{MANIFEST}.partial"
MAX_MANIFEST_BYTES = 16 << 20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+?)\r?")  # *, capitals and \r: as tools of Windows write it
_BOM = "\ufeff"
UNFIT = re.compile(r"[\n\r\\\ud800-\udfff]")  # sha256sum escapes the first three; the rest is not UTF-8


class _IrregularError(Exception):
    """A path that is neither a regular file nor a folder."""


def write(root: Path) -> str:
    """Writes MANIFEST.sha256 of the directory and returns the package's digest, `sha256:<64 hex digits>`.

    The manifest has the format of sha256sum: every other regular file, sorted by the bytes of its path. Raises
    ModelInvalid for links, devices and names that the format cannot hold, ModelUnavailable for an empty directory, and
    for one that cannot be read or written.
    """
    if not root.is_dir():
        raise ModelUnavailable(f"{root} is not a directory. Give the directory of a model package.")
    with _readable(root):
        content = _content(root)
    manifest, partial = root / MANIFEST, root / _PARTIAL
    try:
        # one that is right already may stand where nobody can write
        if manifest.is_symlink() or not manifest.is_file() or manifest.read_bytes() != content:
            partial.write_bytes(content)
            partial.replace(manifest)
    except OSError as error:
        raise ModelUnavailable(f"{manifest} cannot be written: {error.strerror or error}.") from error
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _content(root: Path) -> bytes:
    """The manifest of what is in the directory."""
    try:
        names = sorted((name for name in _files(root) if name != _PARTIAL), key=os.fsencode)
    except _IrregularError as error:
        raise ModelInvalid(
            f"{root}/{shown(str(error))} is a link or a device. A package has files and folders only."
        ) from None
    if not names:
        raise ModelUnavailable(f"{root} has no files. Give the directory of a model package.")
    lines = []
    for name in names:
        if UNFIT.search(name):
            raise ModelInvalid(f"{root}: a manifest cannot hold the file name {name!r}. Rename the file.")
        lines.append(f"{file_digest(root / name)}  {name}\n")
    return "".join(lines).encode()


@contextmanager
def _readable(root: Path) -> Iterator[None]:
    """Turns an error of the file system into a sentence with the file's name."""
    try:
        yield
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else root
        raise ModelUnavailable(f"{shown(str(where))} cannot be read: {error.strerror or error}.") from error


def verify(root: Path, digest: str, read: Mapping[str, str] = MappingProxyType({})) -> None:
    """Returns when the directory holds exactly the files of the manifest whose sha256 is `digest`.

    `read` are the sha256 of files, by their paths, of whoever has read them here already. Raises
    DigestMismatch with the expected and the found digest, or the file that is missing, extra, changed or not a regular
    file; ModelUnavailable where one cannot be read.
    """
    with _readable(root):
        _verify(root, digest, read)


def _verify(root: Path, digest: str, read: Mapping[str, str]) -> None:
    expected = entries(root, digest)
    try:
        found = set(_files(root))
    except _IrregularError as error:
        raise DigestMismatch(
            f"{root}/{shown(str(error))} is a link or a device. A package has files and folders only."
        ) from None
    require_same_files(expected, found, str(root))
    for name, wanted in sorted(expected.items()):
        if (actual := read.get(name) or file_digest(root / name)) != wanted:
            raise DigestMismatch(
                f"{root}/{shown(name)} has changed: {MANIFEST} says sha256 {wanted}, the file has {actual}. Copy it "
                "again from where it was reviewed."
            )


def require_same_files(expected: Collection[str], found: Collection[str], where: str) -> None:
    """Raises DigestMismatch that names the first file of the manifest that is not there, or that nobody lists."""
    if twins := _look_alike(set(expected) - set(found), set(found) - set(expected)):
        raise DigestMismatch(
            f"{where}/{twins[0]!a} is missing; {twins[1]!a} looks like it, but is written with other Unicode "
            "characters (NFC and NFD, which Macs use). Rename the file, or make a new digest."
        )
    if missing := sorted(set(expected) - set(found)):
        raise DigestMismatch(
            f"{where}/{shown(missing[0])} is missing{_others(missing)}. {MANIFEST} lists it; copy it again."
        )
    if extra := sorted(set(found) - set(expected)):
        raise DigestMismatch(
            f"{where}/{shown(extra[0])} is not in {MANIFEST}{_others(extra)}. Delete it, or make a new digest of what "
            "you have reviewed with `paddle-serving-runtime digest`."
        )


def _look_alike(missing: Collection[str], extra: Collection[str]) -> tuple[str, str] | None:
    """The first of both whose names differ in their normalization alone."""
    found = {unicodedata.normalize("NFC", name): name for name in extra}
    for name in sorted(missing):
        if other := found.get(unicodedata.normalize("NFC", name)):
            return name, other
    return None


def shown(name: str) -> str:
    """A file's name for a sentence: as it is, or quoted where it could make a reader see something else."""
    return name if name.isprintable() else ascii(name)


def require_digest(digest: str) -> None:
    """Raises DigestMismatch for a text that is no digest."""
    if not _DIGEST.fullmatch(digest):
        raise DigestMismatch(f"{digest!r} is not a digest; a digest is sha256: and 64 digits 0-9a-f.")


def entries(root: Path, digest: str) -> dict[str, str]:
    """The sha256 (64 hex digits) of every file by its path, from the manifest in `root`.

    Raises DigestMismatch where the manifest is missing or malformed, or where its own sha256 is not `digest`.
    """
    require_digest(digest)
    path = root / MANIFEST
    if path.is_symlink() or not path.is_file():
        raise DigestMismatch(f"{path} is missing, expected {digest}. Make it with `paddle-serving-runtime digest`.")
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise DigestMismatch(f"{path} is larger than {MAX_MANIFEST_BYTES >> 20} MiB; that is not a manifest.")
    content = path.read_bytes()
    found = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if not hmac.compare_digest(found, digest):
        raise DigestMismatch(
            f"expected {digest}, but {path} is {found}. The files differ from what was reviewed: correct the digest, "
            "or the source."
        )
    return _parse(path, content)


def digest_of(root: Path) -> str:
    """The package's digest for the files as they are now: of its manifest where that is true, else of a new one.

    Empty where there is none: for a folder without files, or with links.
    """
    try:
        found = f"sha256:{file_digest(root / MANIFEST)}"
        verify(root, found)
    except (OSError, DigestMismatch, ModelUnavailable):
        try:
            found = f"sha256:{hashlib.sha256(_content(root)).hexdigest()}"
        except (OSError, ModelInvalid, ModelUnavailable):
            return ""
    return found


def folder_digest(root: Path, folder: str) -> str:
    """The digest of one folder of a package: of the lines that a manifest has for its files; empty where it has none.

    With a manifest, `grep "  golden/" MANIFEST.sha256 | sha256sum` gives the same for the folder `golden`.
    """
    found = sorted((path for path in (root / folder).rglob("*") if path.is_file()), key=os.fsencode)
    lines = [f"{file_digest(path)}  {path.relative_to(root).as_posix()}\n" for path in found]
    content = "".join(lines).encode(errors="surrogateescape")
    return f"sha256:{hashlib.sha256(content).hexdigest()}" if lines else ""


def listed(root: Path) -> frozenset[str]:
    """The paths in the manifest of a directory, whatever its digest; none where it cannot be read."""
    path = root / MANIFEST
    try:
        readable = path.is_file() and not path.is_symlink() and path.stat().st_size <= MAX_MANIFEST_BYTES
        return frozenset(_parse(path, path.read_bytes())) if readable else frozenset()
    except DigestMismatch:
        return frozenset()


def file_digest(path: Path) -> str:
    """The sha256 of a file, 64 hex digits; read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _parse(path: Path, content: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    lines = content.decode(errors="surrogateescape").removeprefix(_BOM).removesuffix("\n").split("\n")
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        name = match[2] if match else ""
        # sha256sum puts one in front of a line whose name has some, and doubles those
        if "\\" in name or (line.startswith("\\") and _LINE.fullmatch(line[1:])):
            raise DigestMismatch(f"{path}:{number}: the name of a file has a backslash. Write folders with /.")
        if not match or name.startswith("/") or name == MANIFEST or {"", ".", ".."} & set(name.split("/")):
            raise DigestMismatch(f"{path}:{number}: not a line of sha256sum for a file inside the package.")
        if found.setdefault(name, match[1].lower()) != match[1].lower():
            raise DigestMismatch(f"{path}:{number}: {name} has two digests.")
    return found


def _files(root: Path) -> Iterator[str]:
    """The path of every regular file except the manifest, with `/`; raises _IrregularError for anything odd.

    A volume's lost+found is left out.
    """
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as items:
            for item in items:
                name = Path(item.path).relative_to(root).as_posix()
                mode = item.stat(follow_symlinks=False).st_mode
                if S_ISDIR(mode):
                    if name != LOST_AND_FOUND:
                        waiting.append(Path(item.path))
                elif not S_ISREG(mode):
                    raise _IrregularError(name)
                elif name != MANIFEST:
                    yield name


def _others(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
