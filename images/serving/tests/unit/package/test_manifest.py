import hashlib
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paddle_serving_runtime.errors import DigestMismatch, ModelInvalid, ModelUnavailable
from paddle_serving_runtime.package.manifest import MANIFEST, digest_of, folder_digest, verify, write


@pytest.fixture
def package(tmp_path: Path) -> Path:
    root = tmp_path / "package"
    for name, content in {"web_service.py": b"print()", "model/a.pdmodel": b"\0\1", "golden/x.json": b"{}"}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def test_the_digest_is_the_sha256_of_a_manifest_that_sha256sum_accepts(package: Path) -> None:
    digest = write(package)
    assert digest == f"sha256:{hashlib.sha256((package / MANIFEST).read_bytes()).hexdigest()}"
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", MANIFEST], cwd=package, capture_output=True, text=True, check=True
    )
    assert checked.stdout.splitlines() == ["golden/x.json: OK", "model/a.pdmodel: OK", "web_service.py: OK"]


def test_writing_again_changes_nothing(package: Path) -> None:
    assert write(package) == write(package)


def test_what_was_written_verifies(package: Path) -> None:
    verify(package, write(package))


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed byte": (lambda root: (root / "model/a.pdmodel").write_bytes(b"\0\2"), r"model/a\.pdmodel has changed"),
    "a cut file": (lambda root: (root / "model/a.pdmodel").write_bytes(b"\0"), r"model/a\.pdmodel has changed"),
    "a missing file": (lambda root: (root / "golden/x.json").unlink(), r"golden/x\.json is missing"),
    "an extra file": (lambda root: (root / "model/b").write_bytes(b""), r"model/b is not in MANIFEST\.sha256"),
    "an extra hidden file": (lambda root: (root / ".x").write_bytes(b""), r"\.x is not in MANIFEST\.sha256"),
    "a link": (lambda root: (root / "link").symlink_to("web_service.py"), "link is a link or a device"),
    "a linked folder": (lambda root: (root / "folder").symlink_to("model"), "folder is a link or a device"),
    "a pipe": (lambda root: os.mkfifo(root / "pipe"), "pipe is a link or a device"),
    "a changed manifest": (
        lambda root: (root / MANIFEST).write_bytes((root / MANIFEST).read_bytes() + b"\n"),
        r"expected sha256:[0-9a-f]{64}, but .* is sha256:[0-9a-f]{64}",
    ),
    "no manifest": (lambda root: (root / MANIFEST).unlink(), r"MANIFEST\.sha256 is missing, expected sha256:"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_named(package: Path, change: str) -> None:
    digest = write(package)
    alter, message = CHANGES[change]
    alter(package)
    with pytest.raises(DigestMismatch, match=message):
        verify(package, digest)


def test_a_file_that_replaces_another_by_a_link_is_refused(package: Path) -> None:
    digest = write(package)
    (package / "web_service.py").rename(package.parent / "elsewhere.py")
    (package / "web_service.py").symlink_to(package.parent / "elsewhere.py")
    with pytest.raises(DigestMismatch, match=r"web_service\.py is a link"):
        verify(package, digest)


@pytest.mark.parametrize("name", ["x\rReason: fine", "x\x1b[2Jy", "\u202egnp.x", "caf\u0301\u200b"])
def test_names_that_deceive_are_quoted_in_messages(package: Path, name: str) -> None:
    digest = write(package)
    (package / name).write_bytes(b"")
    with pytest.raises(DigestMismatch, match=re.escape(ascii(name))) as error:
        verify(package, digest)
    assert name not in error.value.message
    assert len(error.value.message.splitlines()) == 1
    (package / name).unlink()
    (package / name).symlink_to("x")
    with pytest.raises(DigestMismatch, match=re.escape(ascii(name))):
        verify(package, digest)


@pytest.mark.parametrize(
    "line",
    [f"{'0' * 64}  ../x", f"{'0' * 64}  /srv/other", f"{'0' * 63}  x", "x", f"{'0' * 64}  a//b", f"{'0' * 64}  ./a"],
)
def test_a_manifest_that_points_outside_is_refused(tmp_path: Path, line: str) -> None:
    content = f"{line}\n".encode()
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(DigestMismatch, match=":1: not a line of sha256sum"):
        verify(tmp_path, f"sha256:{hashlib.sha256(content).hexdigest()}")


@pytest.mark.parametrize(
    "digest", ["", "sha256:", "0" * 64, "sha256:" + "0" * 63, "sha256:" + "G" * 64, "md5:" + "0" * 64]
)
def test_what_is_no_digest_is_refused(package: Path, digest: str) -> None:
    write(package)
    with pytest.raises(DigestMismatch, match="is not a digest"):
        verify(package, digest)


@pytest.mark.parametrize("name", ["new\nline", "back\\slash", "carriage\rreturn"])
def test_names_that_the_format_cannot_hold_are_refused(package: Path, name: str) -> None:
    (package / name).write_bytes(b"")
    with pytest.raises(ModelInvalid, match="cannot hold the file name"):
        write(package)


def test_links_cannot_be_put_into_a_manifest(package: Path) -> None:
    (package / "link").symlink_to("web_service.py")
    with pytest.raises(ModelInvalid, match="link is a link or a device"):
        write(package)


def test_an_empty_or_missing_directory_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="has no files"):
        write(tmp_path)
    with pytest.raises(ModelUnavailable, match="is not a directory"):
        write(tmp_path / "nothing")


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0\n\r\\"), min_size=1, max_size=20).filter(
    lambda name: name not in (".", "..", MANIFEST) and len(name.encode()) < 200
)


@settings(max_examples=50, deadline=None)
@given(names=st.sets(NAMES, min_size=1, max_size=5))
def test_any_file_name_of_unicode_survives(names: set[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("names")
    for name in names:
        (root / name).write_text(name)
    verify(root, write(root))


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "line ends of Windows": lambda content: content.replace(b"\n", b"\r\n"),
    "the mark for binary": lambda content: content.replace(b"  ", b" *"),
    "capitals": lambda content: re.sub(rb"^[0-9a-f]{64}", lambda match: match[0].upper(), content, flags=re.MULTILINE),
    "a mark for UTF-8": lambda content: b"\xef\xbb\xbf" + content,
    "no line end": lambda content: content[:-1],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_manifest_as_tools_of_windows_write_it_verifies(package: Path, form: str) -> None:
    write(package)
    content = FORMS[form]((package / MANIFEST).read_bytes())
    (package / MANIFEST).write_bytes(content)
    verify(package, f"sha256:{hashlib.sha256(content).hexdigest()}")


@pytest.mark.parametrize("line", [f"{'0' * 64}  a\\b", f"{'0' * 64} *a\\b\r", f"\\{'0' * 64}  a\\\\b"])
def test_a_backslash_in_a_manifest_is_named(tmp_path: Path, line: str) -> None:
    content = f"{line}\n".encode()
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(DigestMismatch, match=r":1: the name of a file has a backslash\. Write folders with /\."):
        verify(tmp_path, f"sha256:{hashlib.sha256(content).hexdigest()}")


def test_lost_and_found_of_a_volume_is_no_part_of_the_package(package: Path) -> None:
    digest = write(package)
    (package / "lost+found" / "#1").mkdir(parents=True)
    (package / "lost+found" / "#2").symlink_to("nowhere")
    (package / "lost+found" / "x").write_text("x")
    assert write(package) == digest
    verify(package, digest)
    (package / "model" / "lost+found").mkdir()
    (package / "model" / "lost+found" / "x").write_text("x")
    with pytest.raises(DigestMismatch, match=r"model/lost\+found/x is not in"):
        verify(package, digest)


def test_what_cannot_be_read_or_written_is_named(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_arguments: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    digest = write(package)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", refuse)
        assert write(package) == digest
        (package / "more").touch()
        with pytest.raises(ModelUnavailable, match=r"package/MANIFEST\.sha256 cannot be written: Permission denied\."):
            write(package)
    (package / "more").unlink()
    monkeypatch.setattr("paddle_serving_runtime.package.manifest.file_digest", refuse)
    for act in (lambda: write(package), lambda: verify(package, digest)):
        with pytest.raises(ModelUnavailable, match=r"package/golden/x\.json cannot be read: Permission denied\."):
            act()


def test_the_digest_of_a_package_is_that_of_its_files_with_or_without_a_manifest(package: Path) -> None:
    without = digest_of(package)
    assert without == write(package) == digest_of(package)
    content = (package / MANIFEST).read_bytes().splitlines(keepends=True)
    (package / MANIFEST).write_bytes(b"".join(reversed(content)))  # as true, and another digest
    assert digest_of(package) == f"sha256:{hashlib.sha256((package / MANIFEST).read_bytes()).hexdigest()}" != without
    (package / "golden/x.json").write_bytes(b"[]")
    changed = digest_of(package)
    assert changed == write(package)


def test_what_cannot_be_a_package_has_no_digest(tmp_path: Path) -> None:
    assert digest_of(tmp_path / "none") == digest_of(tmp_path) == ""
    (tmp_path / "link").symlink_to("elsewhere")
    assert digest_of(tmp_path) == ""


def test_the_digest_of_a_folder_is_that_of_its_lines_in_the_manifest(package: Path) -> None:
    (package / "golden/expected").mkdir()
    (package / "golden/expected/x.json").write_bytes(b"{}")
    write(package)
    shell = "grep '  golden/' MANIFEST.sha256 | sha256sum"
    printed = subprocess.run(["bash", "-c", shell], cwd=package, capture_output=True, text=True, check=True)
    assert folder_digest(package, "golden") == f"sha256:{printed.stdout.split()[0]}"
    assert folder_digest(package, "none") == ""
