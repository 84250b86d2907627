import json
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from paddle_serving_runtime.cli.main import main
from paddle_serving_runtime.consistency import Tolerance
from paddle_serving_runtime.package.contents import Package
from paddle_serving_runtime.package.golden import load_recorded

SCRIPT = """
import json, sys
print("loading the model")
text = open(sys.argv[-1]).read()
print(json.dumps({"length": [len(text) + 0.5], "text": text}))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "golden").mkdir()
    for name in ("a", "bcd"):
        (tmp_path / "golden" / f"{name}.json").write_text(json.dumps({"key": [name]}))
    return tmp_path


def record(package: Path, script: str, *flags: str) -> int:
    return main(["record", *flags, str(package), "--", sys.executable, "-c", script])


def expected(package: Path) -> list[str]:
    folder = package / "golden" / "expected"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_last_line_of_the_script_becomes_the_recorded_answer(package: Path) -> None:
    assert record(package, SCRIPT, "--rtol", "0.01", "--device", "gpu:0") == 0
    assert expected(package) == ["a.json", "bcd.json"]
    recorded = load_recorded(Package(package, None, None, None))
    assert recorded["a.json"].answer["length"].tolist() == [14.5]
    assert str(recorded["bcd.json"].answer["text"]) != ""
    assert recorded["a.json"].tolerance == Tolerance(0.01, 1e-5)
    found = recorded["a.json"].provenance
    assert (found["paddle"], found["device"]) == (version("paddlepaddle"), "gpu:0")
    assert found["command"].startswith(sys.executable)
    assert found["date"].startswith("20")


def test_flags_may_stand_on_either_side_of_the_directory(package: Path) -> None:
    command = (sys.executable, "-c", SCRIPT, "--rtol", "7")
    assert main(["record", "--", str(package), *command]) == 0
    assert main(["record", "--atol", "0.5", str(package), "--rtol", "0.01", "--", *command]) == 0
    recorded = load_recorded(Package(package, None, None, None))
    assert recorded["a.json"].tolerance == Tolerance(0.01, 0.5)


def test_recording_again_replaces_the_answers(package: Path) -> None:
    assert record(package, SCRIPT) == 0
    assert record(package, SCRIPT.replace("0.5", "0.25")) == 0
    assert load_recorded(Package(package, None, None, None))["a.json"].answer["length"].tolist() == [14.25]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import sys; sys.exit(3)", "a.json: the command ended with status 3"),
        ("print('done')", "a.json: the last line of the command's output must be a JSON object"),
        ("print('{}')", "a.json: the last line of the command's output must be a JSON object"),
        ("", "must be a JSON object {output name: value}, not ''"),
        (
            "import sys; sys.exit(5 if 'bcd' in sys.argv[-1] else print('{\"x\": 1}'))",
            "bcd.json: the command ended with",
        ),
        ("import time; time.sleep(60)", "a.json: the command did not finish within 0.5 s"),
        ("import json; print(json.dumps({'x': [2**64]}))", "a.json: a value of the answer cannot be recorded"),
    ],
)
def test_a_script_that_fails_leaves_no_answer_at_all(
    package: Path, capsys: pytest.CaptureFixture[str], script: str, message: str
) -> None:
    assert record(package, script, "--timeout", "0.5" if "sleep" in script else "60") == 4
    assert message in capsys.readouterr().err
    assert expected(package) == []


def test_without_samples_or_command_there_is_nothing_to_record(
    tmp_path: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["record", str(package)]) == 2
    assert "record needs a command" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert record(tmp_path / "empty", SCRIPT) == 1
    assert "has no samples" in capsys.readouterr().err
