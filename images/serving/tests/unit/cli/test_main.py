import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paddle_serving_runtime import errors
from paddle_serving_runtime.cli.main import COMMANDS, MAX_MESSAGE_BYTES, main, termination_message


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "termination-log"
    monkeypatch.setenv("TERMINATION_LOG", str(path))
    return path


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in COMMANDS)
    assert main([]) == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_its_flags(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([command, "--help"])
    assert exit_.value.code == 0
    assert f"paddle-serving-runtime {command}" in capsys.readouterr().out


def test_who_starts_python_in_the_image_is_told_how_a_service_is_served(log: Path) -> None:
    assert main(["python3", "web_service.py"]) == 2
    message = log.read_text()
    assert "`serve --model-dir DIR --name NAME`, which executes it" in message
    assert "docker run --entrypoint python3 IMAGE" in message


def test_a_wrong_word_or_flag_is_an_invalid_option_in_the_termination_message(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, said in ((["serv"], "'serv' is not a command"), (["digest"], "DIR"), (["digest", ".", "--x"], "--x")):
        assert main(words) == 2
        message = log.read_text()
        assert message.startswith("InvalidOption: ")
        assert said in message
        assert capsys.readouterr().err.splitlines()[-1] == message.strip()


def test_a_failure_reaches_the_termination_message(log: Path, tmp_path: Path) -> None:
    assert main(["digest", str(tmp_path / "nothing")]) == 1
    assert log.read_text().startswith(f"ModelUnavailable: {tmp_path / 'nothing'} is not a directory.")


def test_a_termination_message_that_cannot_be_written_does_not_hide_the_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERMINATION_LOG", str(tmp_path / "no" / "folder"))
    assert main(["digest", str(tmp_path / "nothing")]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("ModelUnavailable: ")


def test_a_long_message_is_cut_to_what_kubernetes_keeps() -> None:
    text = termination_message(errors.ServiceBroken("ä" * 5000))
    assert len(text.encode()) <= MAX_MESSAGE_BYTES
    assert text.startswith("ServiceBroken: ää")
    assert text.endswith("ä...")
    assert termination_message(errors.ServiceBroken("two\n lines.")) == "ServiceBroken: two lines."


def test_exit_codes_are_those_that_are_documented() -> None:
    codes = {
        errors.DigestMismatch: 1,
        errors.ModelUnavailable: 1,
        errors.ModelInvalid: 4,
        errors.ServiceBroken: 4,
        errors.NotConsistent: 3,
        errors.NotVerifiable: 1,
        errors.WorkerCrashLoop: 5,
        errors.InvalidOption: 2,
        errors.SignatureInvalid: 6,
        errors.ReportUnreadable: 7,
    }
    for kind, code in codes.items():
        error = kind("why.")
        assert (error.exit_code, error.reason, error.describe()) == (code, kind.__name__, f"{kind.__name__}: why.")


@pytest.mark.parametrize("command", ["fetch", "digest", "record"])
def test_small_commands_do_not_load_paddle(command: str) -> None:
    code = f"""
import sys
from paddle_serving_runtime.cli.main import main
main(["{command}"])
print("paddle" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TERMINATION_LOG": "/dev/null"},
    )
    assert done.stdout.splitlines()[-1] == "False"


def test_the_installed_program_digests_a_directory(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    done = subprocess.run(
        [Path(sys.executable).parent / "paddle-serving-runtime", "digest", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("sha256:")


def package(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        path = folder / "golden" / f"{name.replace('__', '/')}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def test_digest_warns_of_what_golden_samples_cannot_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loose = '{"answer": {"y": [1.5]}, "tolerance": {"rtol": 0.5}}'
    one = package(tmp_path, a='{"key": ["x"], "value": ["hello"]}', expected__a=loose)
    assert main(["digest", str(one)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("sha256:")
    assert len(said.out.splitlines()) == 1
    only, tolerance = said.err.splitlines()
    assert only.startswith("warning: There is one golden sample, and none with another answer could be derived")
    assert tolerance.startswith("warning: The recorded answer to sample a.json: rtol 0.5 is more than 0.05")
    two = package(tmp_path, b='{"key": ["x"], "value": ["world"]}', expected__a='{"answer": {"y": [1.5]}}')
    assert main(["digest", str(two)]) == 0
    assert capsys.readouterr().err == ""


def test_digest_warns_of_outputs_that_nothing_computes_and_of_models_that_would_be_refused(
    special_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(special_models / "lost", tmp_path / "lost")
    shutil.copytree(special_models / "equal", tmp_path / "other")
    shutil.copy(special_models / "recurrent/inference.pdiparams", tmp_path / "other")
    assert main(["digest", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("sha256:")
    first, second, third = [line for line in printed.err.splitlines() if line.startswith("warning: ")]
    assert "is the input 'x'" in first
    assert "is the parameter" in second
    assert "holds 4 tensors" in third
