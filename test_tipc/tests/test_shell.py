"""The shell scripts themselves."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = ("test_serving.sh", "test_serving_infer_python.sh")


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_shell_script_hands_on_exit_status_and_message(root: Path, tmp_path: Path, name: str) -> None:
    script = root / "test_tipc" / name
    result = subprocess.run(
        ["bash", str(script), "no.txt"],
        cwd=tmp_path,
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 2
    assert "no.txt: cannot be read" in result.stderr


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("programs", [("bash", "dirname"), ("bash", "dirname", "python3")])
def test_a_python_without_the_runtime_is_told_in_one_sentence(
    root: Path, tmp_path: Path, programs: tuple[str, ...], script: str
) -> None:
    for name in programs:
        python = str(Path(sys.base_prefix) / "bin/python3")
        (tmp_path / name).symlink_to(python if name == "python3" else str(shutil.which(name)))
    result = subprocess.run(
        ["bash", str(root / "test_tipc" / script), "no.txt"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 2
    sentence = rf"{script}: python3 \(.*\) does not have the package paddle-serving-runtime.*\n"
    assert re.fullmatch(sentence, result.stderr)
