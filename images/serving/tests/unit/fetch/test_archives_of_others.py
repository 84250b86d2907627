"""Archives as Macs, Windows and common tools write them: the package, and nothing that they put beside it."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from images.serving.tests.unit.fetch.fetching import FILES, contents, expected, run
from paddle_serving_runtime.package.manifest import MANIFEST, write

Files = dict[str, bytes]
MAC = {"__MACOSX/._pkg": b"\0\5\x16\7", "__MACOSX/pkg/model/.___model__": b"\0\5\x16\7"}
FINDER = {".DS_Store": b"\0\0\0\1Bud1", "model/.DS_Store": b"\0\0\0\1Bud1"}


def in_folder(files: Files, folder: str) -> Files:
    return {f"{folder}/{name}": content for name, content in files.items()}


def zip_of(files: Files, change: Callable[[zipfile.ZipInfo], None] = lambda _info: None, *folders: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in folders:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 0, 0x10
            archive.writestr(info, b"")
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            change(info)
            archive.writestr(info, content)
    return buffer.getvalue()


def tar_of(files: Files, form: int = tarfile.PAX_FORMAT, **headers: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=form, pax_headers=headers) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if form == tarfile.PAX_FORMAT:
                info.pax_headers = {"LIBARCHIVE.xattr.com.apple.provenance": "AQAA", "mtime": "1764000000.123456"}
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def backslashes(files: Files) -> Files:
    return {name.replace("/", "\\"): content for name, content in files.items()}


ARCHIVES: dict[str, Callable[[Files], bytes]] = {
    "zip of the Finder": lambda files: zip_of({**in_folder(files, "pkg"), **MAC}),
    "zip of the Finder, without a folder": lambda files: zip_of({**files, **FINDER, **MAC}),
    "zip of the Finder, opened folders": lambda files: zip_of({**in_folder({**FINDER, **files}, "pkg"), **MAC}),
    "zip with folders of a Mac": lambda files: zip_of({**files, **MAC}, lambda _info: None, "__MACOSX/", "model/"),
    "tar of a Mac": lambda files: tar_of({"./._.": b"x", "./._model": b"x", "./model/.___model__": b"x", **files}),
    "tar of a Mac's folder": lambda files: tar_of({"._pkg": b"x", **in_folder({"._golden": b"x", **files}, "pkg")}),
    "zip of PowerShell 5": lambda files: zip_of(backslashes(files)),
    "zip of .NET with folders": lambda files: zip_of(
        backslashes(in_folder(files, "pkg")), lambda info: setattr(info, "create_system", 0), "pkg\\", "pkg\\model"
    ),
    "zip of the Explorer": lambda files: zip_of({**files, "Thumbs.db": b"x", "golden/desktop.ini": b"x"}),
    "tar of a folder in a folder": lambda files: tar_of(in_folder(files, "./models/ocr/v2")),
    "GNU tar": lambda files: tar_of(in_folder(files, "./" + "long/" * 30 + "x"), tarfile.GNU_FORMAT),
    "tar of git archive": lambda files: tar_of(in_folder(files, "pkg"), comment="f1f85c2f0a"),
    "ustar": lambda files: tar_of(in_folder(files, "."), tarfile.USTAR_FORMAT),
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_an_archive_of_another_system_is_the_package(
    case: str, package: Path, tmp_path: Path, web: tuple[str, dict[str, bytes]]
) -> None:
    digest = write(package)
    url, served = web
    served["/model"] = ARCHIVES[case](expected(package))
    assert run("--from-http", f"{url}/model", "--digest", digest, "--output", tmp_path / "out") == 0
    assert contents(tmp_path / "out") == expected(package)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [MANIFEST, "golden", "model", "web_service.py"]


def test_what_the_manifest_lists_is_no_litter(package: Path, tmp_path: Path, web: tuple[str, dict[str, bytes]]) -> None:
    names = (".DS_Store", "model/._x", "__MACOSX/y", "desktop.ini")
    for name in names:
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_bytes(b"listed")
    digest = write(package)
    url, served = web
    served["/model"] = zip_of(in_folder({**contents(package), "golden/.DS_Store": b"not"}, "pkg"))
    assert run("--from-http", f"{url}/model", "--digest", digest, "--output", tmp_path / "out") == 0
    assert contents(tmp_path / "out") == {**expected(package), **dict.fromkeys(names, b"listed")}


def test_a_name_of_a_mac_without_the_mark_for_utf_8_is_read(
    package: Path, tmp_path: Path, web: tuple[str, dict[str, bytes]]
) -> None:
    (package / "golden/\u540d.json").write_bytes(b"{}")
    digest = write(package)
    content = bytearray(zip_of(contents(package)))
    for record, flags in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
        at = content.find(record)
        while at >= 0:
            content[at + flags] &= ~8
            at = content.find(record, at + 4)
    url, served = web
    served["/model"] = bytes(content)
    assert run("--from-http", f"{url}/model", "--digest", digest, "--output", tmp_path / "out") == 0
    assert (tmp_path / "out/golden/\u540d.json").is_file()


def test_names_of_another_normalization_are_told_apart_in_a_sentence(
    package: Path, tmp_path: Path, web: tuple[str, dict[str, bytes]], message: Path
) -> None:
    (package / "golden/caf\u00e9.json").write_bytes(b"{}")
    digest = write(package)
    (package / "golden/caf\u00e9.json").rename(package / "golden/cafe\u0301.json")
    url, served = web
    served["/model"] = tar_of(contents(package))
    for source in (("--from-http", f"{url}/model"), ("--from-dir", package)):
        assert run(*source, "--digest", digest, "--output", tmp_path / "out") == 1
        assert r"golden/caf\xe9.json' is missing; 'golden/cafe\u0301.json' looks like it" in message.read_text()


def test_a_file_that_is_no_litter_is_refused_beside_the_package(
    package: Path, tmp_path: Path, web: tuple[str, dict[str, bytes]], message: Path
) -> None:
    digest = write(package)
    url, served = web
    served["/model"] = zip_of({**expected(package), "model/x.pdmodel": b"", **MAC})
    assert run("--from-http", f"{url}/model", "--digest", digest, "--output", tmp_path / "out") == 1
    assert "model/x.pdmodel is not in MANIFEST.sha256" in message.read_text()
    assert set(FILES) & set(contents(tmp_path / "out")) == set()
