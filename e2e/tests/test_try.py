"""`make try`: what it says when it cannot go on, and the whole of it, on each Python that this machine has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from e2e import try_out
from e2e.commands import ROOT, StepError, run
from e2e.lib.reader import comparable, typed_by
from e2e.lib.wait import Seen, wait_for
from tools.documents import command as typed_command
from tools.documents import printing
from tools.typed import OF_MAKE

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHONS = ("3.11", "3.12", "3.13")
WHOLE_SECONDS = 540.0
ASK_SECONDS = 30.0
COMMAND = (sys.executable, "-m", "e2e.try_out")
PYTHONPATH = {"PYTHONPATH": "test_tipc"}


def test_two_runs_at_once_are_refused_and_what_a_killed_one_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "build" / "try"
    (folder / "venv").mkdir(parents=True)
    with try_out.workplace(folder):
        assert list(folder.iterdir()) == []
        with pytest.raises(StepError, match="Another `make try` is at work"), try_out.workplace(folder):
            pass
        assert folder.is_dir(), "the second run removed the folder of the first"
    assert not folder.exists()


def test_nothing_is_left_of_a_run_that_fails(tmp_path: Path) -> None:
    folder = tmp_path / "try"
    with pytest.raises(StepError), try_out.workplace(folder):
        run("false")
    assert not folder.exists()


def test_a_run_that_is_terminated_leaves_nothing_behind(tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho $$ > $FOUND; exec sleep 60\n")
    uv.chmod(0o755)
    found = tmp_path / "pid"
    environment = os.environ | PYTHONPATH | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FOUND": str(found)}
    with subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as running:
        wait_for(
            "uv is at work", lambda: Seen(found.exists() and bool(found.read_text()), "nothing"), within=ASK_SECONDS
        )
        assert try_out.FOLDER.is_dir()
        running.terminate()
        assert "interrupted; the server is stopped and its folder removed" in running.communicate()[1]
    assert (running.returncode, try_out.FOLDER.exists()) == (130, False)


def test_this_machine_is_not_asked_through_a_proxy(tmp_path: Path) -> None:
    uv = tmp_path / "uv"  # in its place: who would be asked how
    uv.write_text(
        f"#!{sys.executable}\n"
        "import urllib.request\n"
        "for host in ('127.0.0.1:80', 'localhost', 'inside.example.com', 'index.example.com'):\n"
        "    print('directly' if urllib.request.proxy_bypass(host) else 'by proxy', host)\n"
        "raise SystemExit(1)\n"
    )
    uv.chmod(0o755)
    proxies = {"http_proxy": "http://proxy.example.com:3128", "NO_PROXY": "inside.example.com"}
    environment = {name: value for name, value in os.environ.items() if name != "no_proxy"}
    environment |= proxies | PYTHONPATH | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    said = subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, check=False).stdout
    assert re.findall("(directly|by proxy) (.+)", said) == [
        ("directly", "127.0.0.1:80"),
        ("directly", "localhost"),
        ("directly", "inside.example.com"),
        ("by proxy", "index.example.com"),
    ]


def server_that(program: str, log: Path) -> subprocess.Popen[bytes]:
    """A process in place of `serve`, with its output in the log."""
    with log.open("wb") as file:
        return subprocess.Popen([sys.executable, "-c", program], stdout=file, stderr=file)


def test_a_server_that_ends_is_told_with_its_last_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "serve.log"
    program = """import sys; print('{"message": "loading"}'); sys.exit("NotConsistent: Sample hello.json ...")"""
    with server_that(program, log) as server, pytest.raises(StepError, match="`serve` ended with status 1"):
        try_out.wait_until_ready(server, log, admin=1)
    said = capsys.readouterr().out
    assert re.search(r"^ +\d+\.\d s  loading$", said, re.MULTILINE)
    assert re.search(r"^ +\d+\.\d s  NotConsistent: Sample hello.json \.\.\.$", said, re.MULTILINE)


@pytest.fixture
def admin_port() -> Iterator[int]:
    """The port of a server that says no to the first /readyz and yes to the next."""
    answers = iter([503])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(next(answers, 200))
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_ready_is_when_readyz_says_so_and_the_server_is_stopped_after(tmp_path: Path, admin_port: int) -> None:
    with server_that("import time; time.sleep(600)", tmp_path / "serve.log") as server:
        try_out.wait_until_ready(server, tmp_path / "serve.log", admin_port)
        try_out.stop(server)
        assert server.poll() is not None


def test_the_digest_is_the_one_that_the_custom_resource_names() -> None:
    assert f"digest: {try_out.reviewed_digest()}\n" in (ROOT / "examples" / "ocr-rec.yaml").read_text()


def interpreter(version: str) -> Path | None:
    """A Python of that version, from PATH or pyenv, that runs; None where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    folders = [*map(Path, os.get_exec_path()), *sorted(pyenv.glob(f"{version}.*/bin"))]
    for path in (folder / f"python{version}" for folder in folders):
        # pyenv puts a file of every version's name on PATH, which runs only where that version is chosen
        if path.exists() and not subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode:
            return path
    return None


def tried(python: Path, folder: Path) -> str:
    """What `make try` prints where python3 is that one; uv and the weights are fetched anew, uv's downloads shared."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(python)
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"VIRTUAL_ENV", "PADDLE_SERVING_CACHE", *OF_MAKE}
    }
    environment |= {"PATH": f"{programs}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(folder / "cache")}
    command = typed_command("README.md", "make try").text.split()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=WHOLE_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not try_out.FOLDER.exists()
    return done.stdout + done.stderr


def agrees(said: str) -> None:
    assert """'value': ['["Hello Paddle"]'""" in said
    assert "Consistent, verdict Recorded. Samples: 3" in said
    assert len(re.findall(r"^ +done in \d+\.\d s$", said, re.MULTILINE)) == 5


@pytest.mark.e2e
def test_the_whole_on_this_python_leaves_nothing_behind(tmp_path: Path) -> None:
    said = tried(Path(sys.executable).resolve(), tmp_path)
    agrees(said)
    shown = [block for block in printing("docs/quickstart.md") if block.heading == "Without a cluster"]
    assert typed_by(said) == [comparable(block.text) for block in shown]


@pytest.mark.by_hand
@pytest.mark.timeout(WHOLE_SECONDS + ASK_SECONDS)
@pytest.mark.parametrize("version", PYTHONS)
def test_the_whole_on_every_python_that_debian_and_ubuntu_have(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}: none on PATH, none of pyenv's")
    said = tried(python, tmp_path)
    assert f"Using CPython {version}." in said
    agrees(said)
