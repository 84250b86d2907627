"""Packages in a directory or a ConfigMap, and what holds for every source."""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from images.serving.tests.unit.fetch.fetching import FILES, config_map, contents, expected, run, tar_of, zip_of
from paddle_serving_runtime.fetch import sources
from paddle_serving_runtime.fetch.delivery import STAGE, fetch
from paddle_serving_runtime.fetch.transfer import Progress
from paddle_serving_runtime.package.manifest import MANIFEST, require_same_files, verify, write


def test_a_directory_is_copied_and_verified(package: Path, tmp_path: Path) -> None:
    digest = write(package)
    (package / "lost+found").mkdir()
    assert run("--from-dir", package, "--digest", digest, "--output", tmp_path / "out") == 0
    assert contents(tmp_path / "out") == expected(package)
    assert not (tmp_path / "out" / STAGE).exists()


def test_a_second_run_finds_the_work_done(package: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ("--from-dir", package, "--digest", write(package), "--output", tmp_path / "out")
    assert [run(*words), run(*words)] == [0, 0]
    said = [json.loads(line)["message"] for line in capfd.readouterr().out.splitlines()]
    assert "fetched and verified" in said[1]
    assert "already there" in said[3]


def test_a_wrong_digest_leaves_nothing_behind(package: Path, tmp_path: Path, message: Path) -> None:
    found, wrong = write(package), "sha256:" + "0" * 64
    assert run("--from-dir", package, "--digest", wrong, "--output", tmp_path / "out") == 1
    assert list((tmp_path / "out").iterdir()) == []
    assert message.read_text().startswith("DigestMismatch: ")
    assert wrong in message.read_text()
    assert found in message.read_text()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda root: (root / "golden/x.json").write_bytes(b"{ }"), "DigestMismatch: .*golden/x.json has changed"),
        (lambda root: (root / "golden/y.json").write_bytes(b"{}"), "DigestMismatch: .*golden/y.json is not in"),
        (lambda root: (root / "golden/x.json").unlink(), "DigestMismatch: .*golden/x.json is missing"),
        (lambda root: (root / "l").symlink_to("/srv/other"), "ModelUnavailable: .*l is a link or a device"),
    ],
)
def test_a_directory_that_differs_is_refused(
    package: Path, tmp_path: Path, message: Path, change: Callable[[Path], object], reason: str
) -> None:
    digest = write(package)
    change(package)
    assert run("--from-dir", package, "--digest", digest, "--output", tmp_path / "out") == 1
    assert list((tmp_path / "out").iterdir()) == []
    assert re.match(reason, message.read_text())
    assert STAGE not in message.read_text()


def test_missing_and_empty_directories_are_named(tmp_path: Path, message: Path) -> None:
    for folder, text in ((tmp_path / "nothing", "does not exist"), (tmp_path / "empty", "is empty")):
        if folder.name == "empty":
            folder.mkdir()
        assert run("--from-dir", folder, "--digest", "sha256:" + "0" * 64, "--output", tmp_path / "out") == 1
        assert message.read_text().startswith(f"ModelUnavailable: {folder} {text}")


def test_an_output_with_other_files_is_not_touched(package: Path, tmp_path: Path, message: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("keep")
    assert run("--from-dir", package, "--digest", write(package), "--output", tmp_path / "out") == 2
    assert contents(tmp_path / "out") == {"mine": b"keep"}
    assert message.read_text().startswith("InvalidOption: --output")


def test_lost_and_found_of_the_output_is_nobodys_file(package: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "lost+found").mkdir(parents=True)
    words = ("--from-dir", package, "--output", tmp_path / "out")
    assert run(*words, "--digest", "sha256:" + "0" * 64) == 1
    digest = write(package)
    assert [run(*words, "--digest", digest), run(*words, "--digest", digest)] == [0, 0]
    assert contents(tmp_path / "out") == expected(package)
    assert (tmp_path / "out" / "lost+found").is_dir()


def test_an_interrupted_fetch_is_begun_anew(package: Path, tmp_path: Path) -> None:
    digest, out = write(package), tmp_path / "out"

    def die_half_way(folder: Path) -> None:
        (folder / "web_service.py").write_bytes(b"half")
        os._exit(9)

    child = os.fork()
    if child == 0:
        fetch(die_half_way, digest, out)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert contents(out) == {f"{STAGE}/web_service.py": b"half"}
    assert run("--from-dir", package, "--digest", digest, "--output", out) == 0
    assert contents(out) == expected(package)


def test_the_manifest_is_the_last_file_to_appear(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, rename = write(package), Path.rename
    order: list[str] = []

    def noted(path: Path, target: Path) -> Path:
        order.append(path.name)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", noted)
    assert run("--from-dir", package, "--digest", digest, "--output", tmp_path / "out") == 0
    assert len(order) == 4
    assert order[-1] == MANIFEST


def test_a_config_map_is_read_through_the_links_of_the_kubelet(package: Path, tmp_path: Path) -> None:
    digest = write(package)
    mounted = config_map(package, tmp_path)
    assert run("--from-config-map", mounted, "--digest", digest, "--output", tmp_path / "out") == 0
    assert contents(tmp_path / "out") == expected(package)


def test_a_config_map_cannot_point_outside_of_itself(package: Path, tmp_path: Path, message: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "..data").symlink_to(package)
    assert run("--from-config-map", mounted, "--digest", write(package), "--output", tmp_path / "out") == 1
    assert "is not a mounted ConfigMap" in message.read_text()


def test_a_file_that_grows_while_it_is_copied_is_refused(
    package: Path, tmp_path: Path, message: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = write(package)

    def grow(_progress: Progress, what: str, *_numbers: object) -> None:
        if what == "copied":
            with (package / "model/__model__").open("ab") as file:
                file.write(b"more")

    monkeypatch.setattr(Progress, "__call__", grow)
    assert run("--from-dir", package, "--digest", digest, "--output", tmp_path / "out") == 1
    assert "changed while it was copied" in message.read_text()
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("swap", ["link", "pipe"])
def test_a_file_that_becomes_something_else_is_not_followed(
    package: Path, tmp_path: Path, message: Path, monkeypatch: pytest.MonkeyPatch, swap: str
) -> None:
    digest = write(package)
    secret = tmp_path / "secret"
    secret.write_bytes(FILES["web_service.py"])

    def swapped(*arguments: Any) -> None:  # noqa: ANN401 - passed on
        """Between the look at the names and the copy, somebody who may write to the volume is at work."""
        require_same_files(*arguments)
        (package / "web_service.py").unlink()
        if swap == "link":
            (package / "web_service.py").symlink_to(secret)
        else:
            os.mkfifo(package / "web_service.py")

    monkeypatch.setattr(sources, "require_same_files", swapped)
    assert run("--from-dir", package, "--digest", digest, "--output", tmp_path / "out") == 1
    assert message.read_text().startswith("ModelUnavailable: ")
    assert "web_service.py" in message.read_text()
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("source", ["directory", "config map", "tar.gz", "zip"])
def test_a_full_disk_is_said_to_be_the_outputs_and_leaves_nothing(
    source: str, package: Path, tmp_path: Path, web: tuple[str, dict[str, bytes]]
) -> None:
    """No file may have more than 4 KiB, which ends as a full disk does: a write fails in the middle."""
    digest = write(package)
    url, files = web
    files["/a.tar.gz"], files["/a.zip"] = tar_of(package), zip_of(package)
    flags = {
        "directory": ["--from-dir", str(package)],
        "config map": ["--from-config-map", str(config_map(package, tmp_path))],
        "tar.gz": ["--from-http", f"{url}/a.tar.gz"],
        "zip": ["--from-http", f"{url}/a.zip"],
    }
    command = [sys.executable, "-m", "paddle_serving_runtime.cli.main", "fetch", *flags[source], "--digest", digest]
    limit = f"ulimit -f {4}; exec "
    done = subprocess.run(
        ["bash", "-c", limit + shlex.join([*command, "--output", str(tmp_path / "out")])],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 1, done.stderr
    assert f"{tmp_path / 'out'} cannot be filled: File too large" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_flags_of_a_store_without_a_store_are_refused(package: Path, tmp_path: Path, message: Path) -> None:
    words = ("--from-dir", package, "--digest", write(package), "--output", tmp_path / "out")
    assert run(*words, "--s3-region", "eu-west-1") == 2
    assert message.read_text().startswith("InvalidOption: --s3-endpoint, --s3-region and --s3-ca belong to --from-s3")
    assert not (tmp_path / "out").exists()


def test_fetching_imports_neither_paddle_nor_numpy() -> None:
    code = """
import sys
from paddle_serving_runtime.cli.main import main
main(["fetch", "--from-dir", "/nonexistent", "--digest", "sha256:" + "0" * 64, "--output", sys.argv[1]])
print(sorted({"paddle", "numpy", "google.protobuf"} & set(sys.modules)))
"""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code, folder], capture_output=True, text=True, check=True, timeout=300
        )
    assert done.stdout.splitlines()[-1] == "[]"


def test_verify_sees_what_fetch_has_made(package: Path, tmp_path: Path) -> None:
    digest = write(package)
    run("--from-dir", package, "--digest", digest, "--output", tmp_path / "out")
    verify(tmp_path / "out", digest)
