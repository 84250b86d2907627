"""Archives that hold more or less than plain files: a sentence, and nothing outside of the folder."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from paddle_serving_runtime.errors import ModelUnavailable
from paddle_serving_runtime.fetch.archive import Limits, unpack

MEGABYTE = 1_000_000


def refused(archive: Path, folder: Path, sentence: str, limits: Limits | None = None) -> None:
    """Unpacks into an empty folder inside `folder` and expects the sentence, one line, with nothing beside it."""
    target = folder / "in" / "target"
    target.mkdir(parents=True)
    with pytest.raises(ModelUnavailable, match=sentence) as error:
        unpack(archive, target, limits or Limits(), lambda _done: None)
    assert len(error.value.message.splitlines()) == 1
    assert len(error.value.message) < 1000
    assert [path for path in folder.rglob("*") if path.is_symlink()] == []
    assert [path.name for path in (folder / "in").iterdir()] == ["target"]


def member(name: str, kind: bytes = tarfile.REGTYPE, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in fields.items():
        setattr(info, key, value)
    return info


REFUSED_TARS = {
    "a symbolic link": [member("x", tarfile.SYMTYPE, linkname="y")],
    "a hard link": [member("x", tarfile.LNKTYPE, linkname="y")],
    "a device": [member("x", tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "a pipe": [member("x", tarfile.FIFOTYPE)],
    "an absolute path": [member("/srv/x")],
    "a path upwards": [member("a/../../x")],
    "a name twice": [member("x"), member("x")],
    "a link that a file goes through": [member("d", tarfile.SYMTYPE, linkname="e"), member("d/x")],
    "too many members": [member(f"f{number}") for number in range(20)],
}


@pytest.mark.parametrize("case", REFUSED_TARS)
def test_a_tar_of_more_than_plain_files_is_refused(case: str, tmp_path: Path) -> None:
    archive, target = tmp_path / "a.tar", tmp_path / "in" / "target"
    target.mkdir(parents=True)
    with tarfile.open(archive, "w") as tar:
        for info in REFUSED_TARS[case]:
            tar.addfile(info)
    with pytest.raises(ModelUnavailable, match="the archive"):
        unpack(archive, target, Limits(members=10), lambda _done: None)
    assert [path for path in tmp_path.rglob("*") if path.is_symlink()] == []
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["target"]


def test_the_limit_counts_what_a_zip_unpacks_to(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("zeros", bytes(5000))
    assert archive.stat().st_size < 1000
    (tmp_path / "target").mkdir()
    with pytest.raises(ModelUnavailable, match="larger than 1000 bytes"):
        unpack(archive, tmp_path / "target", Limits(unpacked_bytes=1000), lambda _done: None)
    assert sum(path.stat().st_size for path in (tmp_path / "target").iterdir()) <= 1000


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(info, "target")
    (tmp_path / "target").mkdir()
    with pytest.raises(ModelUnavailable, match="has a link or a device, 'link'"):
        unpack(archive, tmp_path / "target", Limits(), lambda _done: None)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a\\..\\x"])
def test_a_zip_cannot_write_outside(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(name, "x")
    (tmp_path / "target").mkdir()
    with pytest.raises(ModelUnavailable, match="has a member outside of itself"):
        unpack(archive, tmp_path / "target", Limits(), lambda _done: None)


def test_modes_of_an_archive_are_not_taken_over(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(member("x", mode=0o4777, uid=12345))
    (tmp_path / "target").mkdir()
    unpack(archive, tmp_path / "target", Limits(), lambda _done: None)
    assert stat.S_IMODE((tmp_path / "target" / "x").stat().st_mode) & 0o7133 == 0


def tar_bytes(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def sparse_tar() -> bytes:
    """A file of 4 KB in the old format of GNU tar: a hole, and one block of 512 bytes at the end."""
    info = tarfile.TarInfo("model/weights")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 512
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    size = 4096
    header[386:398], header[398:410] = b"%011o\0" % (size - 512), b"%011o\0" % 512
    header[483:495] = b"%011o\0" % size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + bytes(512) + bytes(1024)


def pax_name_of(size: int) -> bytes:
    return tar_bytes((member("x", pax_headers={"path": "p" * size}), b""))


def gnu_names(count: int) -> bytes:
    """Long names, one after the other, none of them with a file."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 100_000
    header = info.tobuf(tarfile.GNU_FORMAT)
    return (header + bytes(100_352)) * count + bytes(1024)


def zip_bytes(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def nameless_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), b"x")
    return buffer.getvalue()


def encrypted_zip() -> bytes:
    content = bytearray(zip_bytes(("a", b"1")))
    for record, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(record) + flags] |= 1
    return bytes(content)


BYTES: dict[str, tuple[Callable[[], bytes], str]] = {
    "a sparse file": (sparse_tar, "has a sparse file, 'model/weights'"),
    "a name of 2 MB": (lambda: pax_name_of(2 * MEGABYTE), "a header of more than 1048576 bytes"),
    "a name that is too long for a disk": (lambda: pax_name_of(300), "whose name is longer than 255 bytes, 'ppp"),
    "a name that is too long, of umlauts": (
        lambda: tar_bytes((member("\u00e4" * 130), b"")),
        "whose name is longer than 255 bytes",
    ),
    "names without files, without end": (lambda: gnu_names(30), "a header of more than 1048576 bytes"),
    "a line end in a name": (
        lambda: tar_bytes((member("x\nReady: yes"), b"")),
        r"cannot stand in a manifest, 'x\\nReady: yes'",
    ),
    "a NUL in a name": (
        lambda: tar_bytes((member("x", pax_headers={"path": "x\0y"}), b"")),
        "outside of itself",
    ),
    "a file below a file": (
        lambda: tar_bytes((member("a"), b"1"), (member("a/b"), b"2")),
        "has a twice, or as file and folder",
    ),
    "a folder that is a file": (
        lambda: tar_bytes((member("a/b"), b"1"), (member("a"), b"2")),
        "has a twice, or as file and folder",
    ),
    "a link to the folder itself": (
        lambda: tar_bytes((member("d", tarfile.SYMTYPE, linkname="."), b"")),
        "has a link or a device, 'd'",
    ),
    "an unknown kind of member": (lambda: tar_bytes((member("d", b"Z"), b"")), "has a link or a device, 'd'"),
    "a tar that ends in the middle of a file": (
        lambda: tar_bytes((member("a"), bytes(5000)))[:2000],
        "is broken",
    ),
    "gzip that ends in the middle": (lambda: gzip.compress(tar_bytes((member("a"), bytes(5000))))[:-20], "is broken"),
    "gzip of something else": (lambda: gzip.compress(b"<html>" * 1000), "is broken"),
    "xz that is broken": (lambda: b"\xfd7zXZ\x00" + bytes(100), "is broken"),
    "bzip2 that is broken": (lambda: b"BZh9" + bytes(100), "is broken"),
    "a zip that ends in the middle": (lambda: zip_bytes(("a", bytes(5000)))[:80], "is broken"),
    "a zip with a changed byte": (
        lambda: zip_bytes(("a", b"content")).replace(b"content", b"c0ntent", 1),
        "is broken .*CRC",
    ),
    "a zip with a NUL in a name": (
        lambda: zip_bytes(("a?y", b"")).replace(b"a?y", b"a\0y"),
        "outside of itself",
    ),
    "a zip with two names alike": (
        lambda: zip_bytes(("a", b"1"), ("b", b"2")).replace(b"b", b"a"),
        "has a twice",
    ),
    "a zip with a member without a name": (nameless_zip, "has a member without a name"),
    "a zip with an encrypted member": (encrypted_zip, "has an encrypted member"),
    "nothing": (lambda: b"", "is broken"),
    "a page": (lambda: b"<html>Sign in first</html>", "is broken"),
}


@pytest.mark.parametrize("case", BYTES)
def test_bytes_that_are_no_package_are_refused(case: str, tmp_path: Path) -> None:
    make, sentence = BYTES[case]
    (tmp_path / "archive").write_bytes(make())
    refused(tmp_path / "archive", tmp_path, sentence)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bzip2", "xz"])
def test_the_limit_counts_what_a_compressed_tar_unpacks_to(compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    packed = compress(tar_bytes((member("zeros"), bytes(200_000))))
    assert len(packed) < 2000
    (tmp_path / "archive").write_bytes(packed)
    refused(tmp_path / "archive", tmp_path, "larger than 50000 bytes", Limits(unpacked_bytes=50_000))
    written = sum(path.stat().st_size for path in (tmp_path / "in").rglob("*") if path.is_file())
    assert written <= 50_000


def test_a_zip_of_many_members_is_refused_by_its_list(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(zip_bytes(*((f"{number}", b"") for number in range(20))))
    refused(tmp_path / "archive", tmp_path, "more than 10 members", Limits(members=10))


def test_a_zip_whose_list_would_not_fit_into_memory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    content = bytearray(zip_bytes(("a", b"")))
    end = content.rfind(b"PK\x05\x06")
    content[end + 12 : end + 16] = (1 << 30).to_bytes(4, "little")
    (tmp_path / "archive").write_bytes(content)
    refused(tmp_path / "archive", tmp_path, "has a list of members of 1073741824 bytes")


def test_members_of_a_zip_that_share_their_bytes_are_no_way_around_the_limit(tmp_path: Path) -> None:
    content = bytearray(zip_bytes(("a", bytes(MEGABYTE)), ("b", bytes(MEGABYTE))))
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    content[second + 42 : second + 46] = bytes(4)  # the second member begins where the first does
    (tmp_path / "archive").write_bytes(content)
    refused(tmp_path / "archive", tmp_path, "is broken")


def test_an_archive_inside_stays_an_archive_even_at_the_end(tmp_path: Path) -> None:
    inner = zip_bytes(("x/../../../evil", b"evil"))
    (tmp_path / "archive").write_bytes(tar_bytes((member("a"), b"a"), (member("inner.zip"), inner)))
    (tmp_path / "target").mkdir()
    unpack(tmp_path / "archive", tmp_path / "target", Limits(), lambda _done: None)
    assert (tmp_path / "target" / "inner.zip").read_bytes() == inner
    assert sorted(path.name for path in (tmp_path / "target").iterdir()) == ["a", "inner.zip"]


def test_names_that_only_look_alike_stay_apart(tmp_path: Path) -> None:
    names = ["Model", "model", "caf\u00e9", "cafe\u0301", "\u202egnp.x", "a b", "\U0001f40d"]
    content = {name: name.encode() for name in names}
    (tmp_path / "archive").write_bytes(tar_bytes(*((member(name), data) for name, data in content.items())))
    (tmp_path / "target").mkdir()
    unpack(tmp_path / "archive", tmp_path / "target", Limits(), lambda _done: None)
    assert {path.name: path.read_bytes() for path in (tmp_path / "target").iterdir()} == content
