"""What `tune` refuses before anything is loaded."""

from pathlib import Path

import numpy as np
import pytest

from paddle_serving_runtime.cli import tune
from paddle_serving_runtime.cli.main import main
from paddle_serving_runtime.paddle_model import plugin


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "package"
    (root / "model").mkdir(parents=True)
    for name in ("inference.pdmodel", "inference.pdiparams"):
        (root / "model" / name).touch()
    (root / "golden").mkdir()
    np.savez(root / "golden" / "a.npz", x=np.ones(1, np.float32))
    return root


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The last line on stderr, which must be all of it."""
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def test_a_package_without_samples_is_told_what_to_add(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (package / "golden" / "a.npz").unlink()
    assert main(["tune", str(package)]) == 1
    assert "NotVerifiable" in (line := said(capsys))
    assert "has no samples. Add requests as golden/<name>.json or <name>.npz." in line


def test_where_nothing_is_measured_there_is_no_picture_and_one_of_before_stays(package: Path) -> None:
    (package / "golden" / "a.npz").unlink()
    assert main(["tune", str(package)]) == 1
    assert not Path("tune.png").exists()
    Path("tune.png").write_bytes(b"of before")
    assert main(["tune", str(package)]) == 1
    assert Path("tune.png").read_bytes() == b"of before"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--backends", "Default,TensorRT"], "--backends 'TensorRT' is not a backend; give some of Default, OpenVINO"),
        (["--seconds", "0"], "--seconds must be between 1 and 3600"),
        (["--seconds", "nan"], "--seconds must be between 1 and 3600"),
        (["--cpus", "0"], "--cpus must be between 1 and "),
        (["--plot", "nowhere/tune.png"], "--plot nowhere/tune.png cannot be written: No such file or directory"),
        (["--output", "yaml"], "invalid choice: 'yaml'"),
    ],
)
def test_a_wrong_flag_is_a_sentence(
    package: Path, capsys: pytest.CaptureFixture[str], flags: list[str], words: str
) -> None:
    assert main(["tune", str(package), *flags]) == 2
    assert words in said(capsys)


def test_a_backend_that_the_installation_lacks_is_refused_where_it_is_named(
    package: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "plugin_path", lambda: None)
    monkeypatch.setattr(tune, "plugin_path", lambda: None)
    assert main(["tune", str(package), "--backends", "OpenVINO"]) == 2
    assert "Use the CPU runtime image, or --backend Default" in said(capsys)
    assert tune._backends("") == (
        ("Default",),
        ("OpenVINO is not timed: this installation of Paddle has no such engine.",),
    )
