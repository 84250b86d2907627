"""Every defect of the original harness, as bad input: one sentence, an exit status, and no process left."""

import os
import platform
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fakes import Repository, answer, says

from tipc import __main__ as program
from tipc import checks, devices

NO_GPU = "device gpu:0 is asked for, but this Paddle is built for CPU."


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(devices, "gpu_missing", lambda _python: NO_GPU)
    says(monkeypatch, {"class_id": np.array([8]), "prob": np.array([0.99903536])})
    return Repository(tmp_path)


def left_running(root: Path) -> list[str]:
    """Command lines of other processes that work below `root`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.name != str(os.getpid()) and (process / "cwd").readlink().is_relative_to(root):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it has ended, or is not ours
    return [command for command in found if command]


def line(number: int, text: str) -> Callable[[Repository], None]:
    return lambda repository: repository.write_line(number, text)


def crlf(repository: Repository) -> None:
    repository.config.write_bytes(repository.config.read_bytes().replace(b"\n", b"\r\n"))


def doubled(repository: Repository) -> None:
    lines = repository.config.read_text().splitlines()
    repository.config.write_text("\n".join([*lines[:5], "", *lines[5:]]))


def away(name: str) -> Callable[[Repository], None]:
    return lambda repository: (repository.root / name).rename(repository.root / "away")


REFUSED: list[tuple[str, Callable[[Repository], None], str]] = [
    ("a blank line", doubled, ":6: --model_filename expected, found a blank line. Remove it."),
    ("Windows' line ends", crlf, ":1: ends with CRLF."),
    ("another depth", line(10, "serving_dir:./a/b/c"), ":10: serving_dir is './a/b/c'; it must lie exactly two levels"),
    ("an unknown device", line(12, "op.m.devices:1"), ':12: value of op.m.devices is "1"'),
    ("a device without a key", line(12, "null:0"), ":12: the key is null"),
    ("the C++ server alone", line(3, "python:cpp"), ":3: python: cpp is Paddle Serving's C.. server"),
    ("no such interpreter", line(3, "python:pypy9"), ":3: python: pypy9 does not run here."),
    ("no such model", away("inference"), ":5: --dirname: .* does not exist"),
    ("no such script", line(11, "web_service:det.py --a"), ":11: web_service: .*/det.py does not exist"),
    ("a script elsewhere", line(11, "web_service:../../fake_convert.py"), ":11: web_service: .* is outside"),
    ("a module", line(11, "web_service:-m det"), ":11: web_service is '-m det', which does not begin with"),
    ("a line for a shell", line(11, "web_service:web_service.py & b"), ":11: web_service is .*; '&' needs a shell"),
    ("no such client", line(17, "pipline:a.py"), ":17: pipline: .*/a.py does not exist"),
    ("no such input", line(18, "--img:../x/a.jpg"), ":18: --img: .*a.jpg does not exist"),
]


@pytest.mark.parametrize(("change", "sentence"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_cannot_be_run_is_refused_before_anything_starts(
    repository: Repository,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Repository], None],
    sentence: str,
) -> None:
    change(repository)
    assert program.main([str(repository.config)]) == 2
    printed = capsys.readouterr()
    assert re.fullmatch(f"{re.escape(str(repository.config))}{sentence}.*\n", printed.err)
    assert printed.out == ""
    assert left_running(repository.root) == []


def behave(**behaviour: object) -> Callable[[Repository], None]:
    return lambda repository: repository.behave(answer=answer(), **behaviour)


LIMITS = {"slow server": ("--timeout", "2"), "hung client": ("--client-timeout", "5")}
"""Of those alone that are to be late: a loaded machine is no defect."""

FAILED: list[tuple[str, Callable[[Repository], None], str]] = [
    ("conversion", lambda r: (r.root / "convert-fails").touch(), ":4: trans_model: status 1: convert: the program is"),
    ("dead server", behave(dies=True), ":11: web_service: web_service ended with status 1: the model cannot be loaded"),
    ("slow server", behave(starts_after=600), ":11: web_service: the service did not answer within 2 s"),
    ("client", behave(client_status=3), ":17: pipline: pipeline_http_client.py: exit status 3"),
    ("hung client", behave(client_sleeps=600), ":17: pipline: pipeline_http_client.py: the client did not end within"),
    (
        "err_no",
        lambda repository: repository.behave(answer=answer(err_no=8000)),
        ":17: pipline: pipeline_http_client.py: HTTP 200 from .*: err_no is 8000: broken",
    ),
]


@pytest.mark.parametrize(("case", "change", "sentence"), FAILED, ids=[case[0] for case in FAILED])
def test_what_fails_ends_the_run_with_file_line_and_key(
    repository: Repository,
    capsys: pytest.CaptureFixture[str],
    case: str,
    change: Callable[[Repository], None],
    sentence: str,
) -> None:
    change(repository)
    assert program.main([str(repository.config), *LIMITS.get(case, ())]) == 1
    said = [text for text in capsys.readouterr().out.splitlines() if text.startswith("  ")]
    assert len(said) == 1
    assert re.match(f"  {re.escape(str(repository.config))}{sentence}", said[0])
    assert [row["status"] for row in repository.rows()] == ["failed"]
    assert left_running(repository.root) == []


def test_a_port_that_something_else_has_is_named(repository: Repository) -> None:
    with socket.create_server(("127.0.0.1", repository.port)):
        assert program.main([str(repository.config)]) == 1
    (row,) = repository.rows()
    assert row["why"].startswith(f"{repository.config}:11: web_service: port {repository.port} of config.yml is in use")
    assert left_running(repository.root) == []


def test_a_row_without_its_device_is_skipped_and_nothing_else(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write_line(12, "op.m.local_service_conf.devices:null|0")
    assert program.main([str(repository.config)]) == 0
    cpu, gpu = repository.rows()
    assert (cpu["asked_device"], cpu["status"]) == ("cpu", "passed")
    assert (gpu["asked_device"], gpu["device"], gpu["status"], gpu["why"]) == ("gpu", "-", "skipped", NO_GPU)
    assert gpu["consistent"] == "not compared"
    assert f"- skipped: gpu, pipeline_http_client.py: {NO_GPU}" in (repository.output / "report_fake.md").read_text()
    assert repository.status_lines()[-1] == (
        f"Run skipped with command - {sys.executable} web_service.py op.m.local_service_conf.devices=0"
    )
    assert f"  {NO_GPU}" in capsys.readouterr().out


def test_a_run_of_skipped_rows_alone_has_tested_nothing(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write_line(12, "op.m.local_service_conf.devices:0")
    assert program.main([str(repository.config)]) == 1
    assert "Nothing was tested" in capsys.readouterr().out


def test_a_device_type_of_0_is_the_processor_although_logs_are_named_after_a_gpu(repository: Repository) -> None:
    repository.write_line(12, "op.m.local_service_conf.device_type:0")
    assert program.main([str(repository.config)]) == 0
    assert repository.rows()[0]["asked_device"] == "cpu"
    log = "server_infer_gpu_pipeline_http_usetrt_null_precision_null_batchsize_1.log"
    assert (repository.output / log).is_file()


def test_without_a_device_on_line_12_the_service_is_told_none(repository: Repository) -> None:
    repository.write_line(12, "null:null")
    assert program.main([str(repository.config)]) == 0
    assert repository.rows()[0]["asked_device"] == "-"
    assert (repository.service / "argv.json").read_text() == "[]"


def test_a_model_name_with_a_slash_has_a_report(repository: Repository) -> None:
    repository.write_line(2, "model_name:team/fake")
    assert program.main([str(repository.config)]) == 0
    reports = sorted(path.name for path in repository.output.glob("report_*"))
    assert reports == ["report_team-fake.json", "report_team-fake.md", "report_team-fake.xml"]


def test_an_interpreter_that_is_not_here_is_replaced_and_that_is_said(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write_line(3, "python:python3.7")
    python3_7 = repository.root / "bin/python3.7"
    python3_7.parent.mkdir()
    python3_7.write_text("#!/bin/sh\necho python3.7: command not found >&2; exit 127\n")  # as version managers have it
    python3_7.chmod(0o755)
    monkeypatch.setenv("PATH", f"{python3_7.parent}{os.pathsep}{os.environ['PATH']}")
    assert program.main([str(repository.config)]) == 0
    said = f"{repository.config}:3: python: python3.7 does not run here; {sys.executable} ({platform.python_version()}"
    assert said in capsys.readouterr().out
    assert repository.status_lines()[1].startswith("Run successfully with command - python3.7 web_service.py")


def test_haproxy_is_named_where_it_is_needed(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paddle_serving_runtime.cli.preconditions.shutil.which", lambda _name: None)
    monkeypatch.setattr(checks.interpreters, "at_hand", lambda python: python)
    assert program.main([str(repository.config)]) == 2
    assert capsys.readouterr().err.startswith(f"{repository.config}:11: web_service: haproxy is not on PATH")
