"""The servers that are measured: how they are started, when they are ready, what they used."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import requests
import yaml

from benchmarks import clients, cpu, payload
from benchmarks.models import ROOT, Model

STOCK = "stock pipeline"
DIRECT = "direct engine"
AUTO = "direct engine, backend Auto"
BASELINE = "baseline build"
PIPELINE = "pipeline engine"
STANDBY = "paddle_serving_standby"
WITHOUT_STANDBY = ("--standby", "false")
START_SECONDS = 180.0
STOP_SECONDS = 60.0
STOCK_GRPC_WORKERS = 64
_PORTS_OF_A_PLACE = 200
_TAIL = 800
_SETTLE_SECONDS, _SETTLE_STEP_SECONDS = 3.0, 0.25
# the shell is replaced by the server, so that its first instruction is counted already
_INTO_CGROUP = ("sh", "-c", 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"', "sh")


class ServerError(Exception):
    """A server that does not answer; the message ends with the end of its log."""


@dataclass(frozen=True, slots=True)
class Server:
    """One way to serve a model: the command line, where it answers, which protocols it has."""

    name: str
    command: tuple[str, ...]
    ports: tuple[int, int]
    admin_port: int | None
    protocols: tuple[str, ...]


@dataclass(slots=True)
class Running:
    """A server that answers. `started` is the time.monotonic() of its start."""

    server: Server
    process: subprocess.Popen[bytes]
    cgroup: cpu.Cgroup | None
    started: float = field(default_factory=time.monotonic)

    def pids(self) -> list[int]:
        """Every process of it."""
        return self.cgroup.pids() if self.cgroup else cpu.tree(self.process.pid, cpu.stats())

    def cpu_seconds(self) -> float:
        """CPU seconds of every process so far, those that have ended too."""
        return self.cgroup.seconds() if self.cgroup else cpu.tree_seconds(self.process.pid)

    def metric(self, name: str, label: str = "") -> float:
        """The sum of the samples of a metric on /metrics whose labels contain `label`; 0 where it is not there."""
        if self.server.admin_port is None:
            return 0.0
        return sum_of(self._metrics(), name, label)

    def imports_standby(self) -> bool:
        """Whether it has a standby process that has not yet imported Paddle; older runtimes have none."""
        if self.server.admin_port is None or WITHOUT_STANDBY[0] in self.server.command:
            return False
        text = self._metrics()
        return STANDBY in text and not sum_of(text, STANDBY)

    def _metrics(self) -> str:
        return requests.get(f"http://127.0.0.1:{self.server.admin_port}/metrics", timeout=10).text

    def backend(self) -> str:
        """Which of Paddle's engines computes, as the runtime reports it; Default where nothing reports another."""
        if self.server.admin_port is None:
            return "Default"
        report = requests.get(f"http://127.0.0.1:{self.server.admin_port}/report", timeout=10).json()
        return str(report.get("backend", "Default"))

    def settled(self, name: str, label: str = "") -> float:
        """The same when it has stopped changing: the runtime counts a request some moments after its answer."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        last, now = -1.0, self.metric(name, label)
        while now != last and self.server.admin_port is not None and time.monotonic() < deadline:
            time.sleep(_SETTLE_STEP_SECONDS)
            last, now = now, self.metric(name, label)
        return now


def sum_of(text: str, name: str, label: str = "") -> float:
    """The sum over samples called exactly `name` in Prometheus text whose labels contain `label`."""
    total = 0.0
    for line in text.splitlines():
        head, _, value = line.rpartition(" ")
        if head.partition("{")[0] == name and label in head:
            total += float(value)
    return total


def runtime(model: Model, engine: str, workers: int, *extra: str, place: int = 0) -> Server:
    """The runtime with `workers` predictors of one thread and either engine; another `place` has other ports."""
    script = engine == "pipeline"
    package = model.script if script else model.package
    base = (18300 if script else 18200) + _PORTS_OF_A_PLACE * place
    command = (
        *("paddle-serving-runtime", "serve", "--model-dir", str(package), "--name", model.service),
        *("--workers", str(workers), "--http-port", str(base + 80), "--admin-port", str(base + 81)),
        *("--grpc-port", str(base + 90), "--engine", engine, "--drain-delay", "0", *extra),
    )
    name = PIPELINE if script else DIRECT
    return Server(name, command, (base + 80, base + 90), base + 81, payload.PROTOCOLS)


def auto(model: Model, workers: int) -> Server:
    """The runtime that takes the fastest of Paddle's engines whose answers are right."""
    return replace(runtime(model, "direct", workers, "--backend", "Auto", place=1), name=AUTO)


def baseline(model: Model, workers: int, checkout: Path) -> Server:
    """The runtime that another checkout has installed in its .venv, with its own defaults."""
    made = runtime(model, "direct", workers, place=2)
    program = str(checkout.resolve() / ".venv" / "bin" / made.command[0])
    return replace(made, name=BASELINE, command=(program, *made.command[1:]))


def stock(model: Model, workers: int, work: Path) -> Server:
    """Paddle Serving's own pipeline server with process Ops, `workers` of them, on a copy of the package in `work`."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(model.script, work)
    config = yaml.safe_load((work / "config.yml").read_text())
    config |= {"http_port": 18180, "rpc_port": 18190, "worker_num": STOCK_GRPC_WORKERS}
    for op in config["op"].values():
        op["concurrency"] = workers
        op["local_service_conf"]["thread_num"] = 1
    (work / "config.yml").write_text(yaml.safe_dump(config))
    command = (sys.executable, str(ROOT / "benchmarks" / "stock_server.py"), str(work))
    return Server(STOCK, command, (18180, 18190), None, (payload.JSON, payload.PIPELINE_GRPC))


@contextmanager
def running(
    server: Server, model: Model, environment: dict[str, str] | None = None, seconds: float = START_SECONDS
) -> Iterator[Running]:
    """The server in a session and a cgroup of its own, from its first good answer on until the block ends.

    Raises ServerError where no answer comes within `seconds`.
    """
    with launched(server, environment) as (run, log):
        wait_for_answer(run, model, log, seconds)
        yield run


@contextmanager
def launched(server: Server, environment: dict[str, str] | None = None) -> Iterator[tuple[Running, Path]]:
    """The server, which is not ready yet, and its log, until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        run = launch(server, log, environment)
        try:
            yield run, log
        finally:
            stop(run)


def launch(server: Server, log: Path, environment: dict[str, str] | None = None, folder: Path = ROOT) -> Running:
    """Starts the server in `folder`; it is not ready yet."""
    cgroup = cpu.Cgroup.make(f"bench-{os.getpid()}-{server.ports[0]}")
    command = (*_INTO_CGROUP, str(cgroup.folder), *server.command) if cgroup else server.command
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
            env={**os.environ, "LOG_LEVEL": "warning", **(environment or {})},
        )
    return Running(server, process, cgroup)


def wait_for_answer(run: Running, model: Model, log: Path, seconds: float = START_SECONDS) -> None:
    """Returns after the first good answer to a request over JSON, and when the server has nothing else to do.

    Raises ServerError where that takes too long.
    """

    def good_answer() -> str:
        try:
            clients.ask(payload.JSON, run.server.ports, model.service, model.inputs)
        except (requests.RequestException, ValueError, clients.WrongAnswerError) as error:
            return str(error)
        return "its standby process imports Paddle" if run.imports_standby() else ""

    wait_until(good_answer, run, log, seconds)


def wait_until_ready(run: Running, log: Path, seconds: float = START_SECONDS) -> None:
    """Returns at the first 200 of /readyz. Raises ServerError where that takes too long."""

    def not_ready() -> str:
        try:
            answer = requests.get(f"http://127.0.0.1:{run.server.admin_port}/readyz", timeout=2)
        except requests.RequestException as error:
            return str(error)
        return "" if answer.status_code == requests.codes.ok else answer.text

    wait_until(not_ready, run, log, seconds)


def wait_until(missing: Callable[[], str], run: Running, log: Path, seconds: float = START_SECONDS) -> None:
    """Returns when `missing` says that nothing is (""). Raises ServerError with what it said last otherwise."""
    deadline, last = time.monotonic() + seconds, "it has not been asked"
    while time.monotonic() < deadline and run.process.poll() is None:
        last = missing()
        if not last:
            return
        time.sleep(0.02)
    tail = log.read_text(errors="replace")[-_TAIL:]
    raise ServerError(f"{run.server.name} did not come up: {last}\n{tail}")


def stop(run: Running) -> None:
    """SIGTERM, then SIGKILL for what is left of its session and cgroup."""
    with suppress(ProcessLookupError):
        os.killpg(run.process.pid, signal.SIGTERM)
    try:
        run.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        sys.stderr.write(f"{run.server.name}: still there {STOP_SECONDS:.0f} s after SIGTERM; killed\n")
    # the stock server leaves children behind; the session is ours alone
    with suppress(ProcessLookupError):
        os.killpg(run.process.pid, signal.SIGKILL)
    run.process.wait()
    if run.cgroup is not None:
        for pid in run.cgroup.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        run.cgroup.remove()
