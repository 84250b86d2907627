from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

from release import charts, package, sbom
from release.commands import run
from release.errors import ReleaseError
from release.push import Image, read

MODEL = Image("paddle-serving-example-ocr-rec:0.1.0", "", "", "examples/ocr-rec.yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "paddle-serving-0.1.0"
    made.mkdir()
    package.write_lists(made, [MODEL], "0.1.0")
    return made


def test_a_package_has_what_its_push_reads(folder: Path) -> None:
    assert read(folder / "images.json") == ("0.1.0", [MODEL])
    assert (folder / MODEL.manifest).is_file()
    assert (folder / "push.py").is_file()
    assert (folder / "README.md").read_text().startswith("# ")
    assert (folder / "images.txt").read_text() == "paddle-serving-example-ocr-rec:0.1.0\n"


def test_sha256sum_finds_every_file_and_every_change(folder: Path) -> None:
    package.write_sums(folder)
    command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
    listed = {line.split("  ", 1)[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert listed == {"README.md", "push.py", "images.json", "images.txt", "examples/ocr-rec.yaml"}
    (folder / "images.txt").write_text("another")
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 1


def test_a_bundle_is_one_file_with_the_folder_in_it(folder: Path) -> None:
    (folder / "images.tar").write_bytes(b"images")
    bundle = package.in_one_file(folder)
    assert bundle == folder.parent / "paddle-serving-0.1.0.tar"
    with tarfile.open(bundle) as archive:
        assert "paddle-serving-0.1.0/images.tar" in archive.getnames()
    assert not (folder / "images.tar").exists()


def test_the_sbom_of_an_image_is_asked_of_syft_as_spdx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "syft"
    program.write_text('#!/bin/sh\necho "$SYFT_CHECK_FOR_APP_UPDATE $*" > "${5#*=}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    path = sbom.write(MODEL, tmp_path / "sbom")
    assert path.name == "paddle-serving-example-ocr-rec-0.1.0.spdx.json"
    said = path.read_text().split()
    assert said[:3] == ["false", "scan", f"docker:{MODEL.reference}"]
    assert f"spdx-json={path}" in said


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1:5000", True), ("localhost:5000", True), ("localhost", True), ("registry.example.com:443", False)],
)
def test_only_this_machine_is_spoken_to_without_tls(host: str, expected: bool) -> None:  # noqa: FBT001 - what is expected
    assert charts.is_loopback(host) is expected


def test_a_missing_program_is_named_with_where_it_is_to_be_had(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ReleaseError, match=r"helm cannot be started .* Install Helm 3\.17"):
        run(["helm", "version"])


def test_a_failing_program_is_told_with_its_last_words_and_the_cure() -> None:
    with pytest.raises(ReleaseError, match=r"failed: no such image\. Build it first"):
        run(["sh", "-c", "echo reading; echo no such image >&2; exit 1"], "Build it first")
