import os
import tempfile
from pathlib import Path

import pytest

from paddle_serving_runtime.cli import preconditions
from paddle_serving_runtime.errors import ModelUnavailable, ServingError


@pytest.fixture
def as_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """os.access answers what a user gets who owns nothing; the superuser, who may run this, can read everything."""

    def access(path: Path, wanted: int) -> bool:
        return os.stat(path).st_mode & wanted == wanted  # noqa: PTH116 - os.access takes what os.stat takes

    monkeypatch.setattr(os, "access", access)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    for name in ("config.yml", "model/inference.pdmodel"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o644)
    (tmp_path / "model").chmod(0o755)
    return tmp_path


@pytest.mark.usefixtures("as_somebody_else")
class TestReadable:
    def test_a_package_that_everybody_can_read_passes(self, package: Path) -> None:
        (package / "dangling").symlink_to("nowhere")
        preconditions.require_readable(package)

    @pytest.mark.parametrize(
        ("name", "mode"), [(".", 0o700), ("model", 0o744), ("config.yml", 0o640), ("model/inference.pdmodel", 0o600)]
    )
    def test_the_first_thing_that_cannot_be_read_is_named_with_the_remedy(
        self, package: Path, name: str, mode: int
    ) -> None:
        (package / name).chmod(mode)
        with pytest.raises(ModelUnavailable) as error:
            preconditions.require_readable(package)
        assert error.value.message.startswith(f"{package / name} (")
        assert "chmod -R a+rX" in error.value.message
        assert "--user" in error.value.message

    def test_a_folder_that_is_not_there_is_somebody_elses_sentence(self, tmp_path: Path) -> None:
        preconditions.require_readable(tmp_path / "missing")


def test_a_machine_without_haproxy_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServingError, match=r"HaproxyMissing.*apt-get install haproxy"):
        preconditions.require_haproxy()


def test_two_processes_never_share_a_working_folder() -> None:
    folders = [preconditions.working_folder() for _ in range(2)]
    try:
        assert folders[0] != folders[1]
        assert all(len(str(folder)) < 60 for folder in folders)
    finally:
        for folder in folders:
            folder.rmdir()


def test_without_a_writable_folder_both_tmpfs_flags_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(ServingError, match=r"NoWorkingFolder.*--tmpfs /run --tmpfs /tmp"):
        preconditions.working_folder()
