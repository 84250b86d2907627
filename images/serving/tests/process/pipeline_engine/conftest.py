"""The engine in a process of its own, as a worker has it: requests in, results out, and what happens to its family."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from images.serving.tests.object_loaders import watch
from images.serving.tests.process.pipeline_engine.services import TROUBLE, TROUBLE_CONFIG

SECONDS = 120.0


class Zygote:
    """The interpreter that forks the engines."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("harness.py")), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        theirs.close()

    def ask(self, command: dict[str, Any], *descriptors: int) -> int | None:
        socket.send_fds(self._control, [json.dumps(command).encode()], descriptors)
        answer: int | None = json.loads(self._control.recv(64))
        return answer

    def close(self) -> None:
        self._control.close()
        self._process.wait(SECONDS)


class EngineProcess:
    """A running engine; `loaded` is what it said when it was ready, or why it is not."""

    def __init__(self, zygote: Zygote, arguments: list[Any], log_file: Path) -> None:
        self._zygote = zygote
        self.log_file = log_file
        self.results: dict[int, dict[str, Any]] = {}
        self.asked = 0
        self.status: int | None = None
        (their_input, requests), (answers, their_output) = os.pipe(), os.pipe()
        with log_file.open("wb") as log:
            pid = zygote.ask({"start": arguments}, their_input, their_output, log.fileno())
        os.close(their_input)
        os.close(their_output)
        assert pid is not None
        self.pid = pid
        self._requests, self._answers = os.fdopen(requests, "w", buffering=1), os.fdopen(answers)
        self.loaded = self.read()

    def close(self) -> None:
        for pid in self.family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.wait()
        self._answers.close()
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""
        if self.status is None:
            self.status = self._zygote.ask({"poll": self.pid})
        return self.status

    def wait(self) -> int:
        self.wait_for(lambda: self.poll() is not None, "end of the engine")
        assert self.status is not None
        return self.status

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def ask(self, fields: Mapping[str, object] | None = None, target: str = "", **message: object) -> int:
        """Sends a request with text by key; returns its number. `message` has other fields of the body."""
        body = {"key": list(fields or {}), "value": list((fields or {}).values()), **message}
        self.asked += 1
        self._requests.write(json.dumps([self.asked, target, json.dumps(body)]) + "\n")
        return self.asked

    def result(self, number: int) -> dict[str, Any]:
        """The result of a request, when it is there."""
        while number not in self.results:
            said = self.read()
            assert "id" in said, f"{said}\n{self.log()}"
            self.results[said["id"]] = said
        return self.results[number]

    def answer(self, fields: Mapping[str, object] | None = None, **message: object) -> dict[str, Any]:
        return self.result(self.ask(fields, "", **message))

    def read(self) -> dict[str, Any]:
        line = self._answers.readline()
        assert line, f"the engine ended with status {self.wait()}:\n{self.log()}"
        return dict(json.loads(line))

    def log(self) -> str:
        return self.log_file.read_text()

    def family(self) -> list[int]:
        """Every living process of its session, itself included."""
        return session(self.pid)

    def children(self) -> list[int]:
        return [pid for pid in self.family() if pid != self.pid]

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"no {what} within {SECONDS:g} s; family {self.family()}:\n{self.log()}"
            time.sleep(0.02)


def session(leader: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            state, _, _, group = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(group) == leader and state != "Z":
            found.append(int(folder.name))
    return found


Start = Callable[..., EngineProcess]


@pytest.fixture(scope="package")
def zygote() -> Iterator[Zygote]:
    one = Zygote()
    yield one
    one.close()


@pytest.fixture
def start(zygote: Zygote, tmp_path: Path) -> Iterator[Start]:
    """Starts an engine on a package."""
    running: list[EngineProcess] = []

    def begin(root: Path, overrides: dict[str, str] | None = None, **switches: object) -> EngineProcess:
        log_file = tmp_path / f"engine-{len(running)}.log"
        running.append(EngineProcess(zygote, [str(root), overrides or {}, switches], log_file))
        return running[-1]

    yield begin
    for engine in running:
        engine.close()


@pytest.fixture(params=["threads", "processes"])
def mode(request: pytest.FixtureRequest) -> dict[str, str]:
    """An override for each way in which the stock server runs Ops."""
    return {"dag.is_thread_op": "true" if request.param == "threads" else "false"}


@pytest.fixture
def trouble(service: Callable[..., Path]) -> Path:
    """A service that gets into trouble when it is asked to, and the price of X when it is not."""
    return service(web_service=TROUBLE, config=TROUBLE_CONFIG)


@pytest.fixture
def watched(tmp_path: Path) -> tuple[str, Callable[[], list[str]]]:
    """That service's script under watch, and the object loaders that it has called so far."""
    record = tmp_path / "loaded.txt"
    return watch(record) + TROUBLE, lambda: record.read_text().splitlines() if record.exists() else []
