"""Whatever becomes of the process that tries the backends, `serve` goes on with one and says why."""

import asyncio
import os
from pathlib import Path

import orjson
import pytest

from images.serving.tests.unit.supervisor.test_verification import settings
from paddle_serving_runtime.supervisor import choosing
from paddle_serving_runtime.supervisor.children import Children
from paddle_serving_runtime.supervisor.settings import ServeSettings
from paddle_serving_runtime.supervisor.stopping import StopRequest
from paddle_serving_runtime.verdict.backend import Choice, Trial

FOUND = Choice("Auto", "OpenVINO", ("Auto has taken OpenVINO.",), (Trial("OpenVINO", 1.0, "", "", same_bits=False),))


def told(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str, stop: StopRequest | None = None) -> ServeSettings:
    """The settings after a process that runs the script of a shell, with $FILE where its choice goes."""
    command = ("sh", "-c", f"FILE={folder / 'choice.json'}; {script}")
    monkeypatch.setattr(choosing, "_command", lambda *_: command)
    return asyncio.run(choosing.chosen(settings(backend="Auto"), Children(), folder, stop or StopRequest()))


def test_every_process_is_told_what_was_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "found").write_bytes(orjson.dumps(FOUND.to_fields()))
    given = told(monkeypatch, tmp_path, f"cp {tmp_path / 'found'} $FILE")
    assert (given.computing.backend, given.choice) == ("OpenVINO", FOUND)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("kill -SEGV $$", "the process that tries the others was ended by SIGSEGV"),
        ("echo broken model; exit 4", "the process that tries the others ended with status 4 (broken model)"),
        ('echo \'{"asked": "Auto"}\' > $FILE', "the process that tries the others ended with status 0"),
    ],
)
def test_without_a_choice_it_is_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, why: str) -> None:
    given = told(monkeypatch, tmp_path, script)
    assert given.computing.backend == "Default"
    assert given.choice is not None
    assert given.choice.reasons == (f"The backend is Default: {why}.",)


def test_it_does_not_outlast_its_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(choosing, "_SECONDS", 0.5)
    given = told(monkeypatch, tmp_path, f"echo $$ > {tmp_path / 'pid'}; exec sleep 600")
    assert given.choice is not None
    assert "did not end within 0.5 s" in given.choice.reasons[0]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_signal_ends_it_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stop = StopRequest()
    stop.drain.set()
    given = told(monkeypatch, tmp_path, "exec sleep 600", stop)
    assert (given.computing.backend, given.choice) == ("Default", None)


def test_default_tries_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(choosing, "_command", lambda *_: pytest.fail("a process was started"))
    same = settings()
    assert asyncio.run(choosing.chosen(same, Children(), tmp_path, StopRequest())) is same
