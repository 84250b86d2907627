"""The service as a process on this machine, started by the command line of the configuration."""

import contextlib
import json
import os
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import yaml

from paddle_serving_runtime.consistency import Answer
from paddle_serving_runtime.graph.config import ConfigError, resolve
from paddle_serving_runtime.paddle_model.switches import Switches
from tipc import devices, effects, hook, interpreters, matrix, plain_service, readiness, reference, runtime
from tipc.config import Config
from tipc.exchange import Route
from tipc.matrix import Combination
from tipc.naming import file_name
from tipc.ports import answers_on, free_port
from tipc.processes import Process
from tipc.target import TargetError


class LocalTarget:
    """Runs web_service.py of a configuration; logs and captured requests go to `output`."""

    name = "local"

    def __init__(self, root: Path, config: Config, output: Path, seconds: float) -> None:
        self._service_dir = (root / config.serving_dir).resolve()
        self._config = config
        self._output = output
        self._seconds = seconds
        self._gpu_missing: dict[str, str] = {}

    def lacks(self, combination: Combination) -> str:
        """Why there is no GPU for a combination that asks for one, or whose configuration file does."""
        asked = matrix.asked_device(self._config, combination)
        file = self._service_dir / config_file(self._config.web_service)
        if asked == "cpu" or (not asked and not asks_for_gpu(file, matrix.overrides(self._config, combination))):
            return ""
        python = combination.python
        if python not in self._gpu_missing:
            self._gpu_missing[python] = devices.gpu_missing(*interpreters.command(self._config, [python]))
        return self._gpu_missing[python]

    def command(self, combination: Combination) -> str:
        """The command line of the configuration."""
        return " ".join(matrix.server_command(self._config, combination))

    @contextmanager
    def start(self, combination: Combination) -> Iterator["LocalService"]:
        """The server's process, which answers. Raises TargetError where its port is taken or it never answers."""
        file = config_file(self._config.web_service)
        ports = listening_ports(self._service_dir / file)
        for key, port in ports.items():
            if port and answers_on(port):
                raise TargetError(f"port {port} of {file} is in use by another process; stop that one or change {key}")
        log = self._output / f"web_service_{combination.device}_{combination.label}.log"
        command = interpreters.command(self._config, matrix.server_command(self._config, combination))
        admin_port, said = free_port(besides=ports.values()), self._output / "ports.json"
        said.unlink(missing_ok=True)
        given = environment(dict(os.environ), admin_port, said)
        with Process(command, self._service_dir, given, log) as process:
            service = LocalService(self, combination, process, log)
            service.await_answers(ports, said, self._seconds)
            service.report = devices.reported(("127.0.0.1", admin_port))
            if objection := effects.objection(self._config, combination, service.report):
                raise TargetError(objection)
            yield service

    def reference(self, combination: Combination, requests: Sequence[bytes]) -> Mapping[str, Answer]:
        """Paddle Inference with the same switches on the same files."""
        work = self._output / "reference" / file_name(self._config.model_name)
        work.mkdir(parents=True, exist_ok=True)
        reference.package(self._service_dir, work / "package", requests)
        service = runtime.service(matrix.script(self._config, combination), matrix.overrides(self._config, combination))
        try:
            return reference.computed(work / "package", service, work, self._seconds).answers
        except reference.InferenceError as error:
            raise TargetError(str(error)) from None


class LocalService:
    """One run of web_service.py."""

    def __init__(self, target: LocalTarget, combination: Combination, process: Process, log: Path) -> None:
        self._target = target
        self._combination = combination
        self._process = process
        self._log = log
        self._ports: Mapping[str, int | None] = {}
        self.report = devices.Report()

    def await_answers(self, ports: Mapping[str, int | None], said: Path, seconds: float) -> None:
        """Returns once the service answers. Raises TargetError with what was seen last.

        It listens on the ports that its script writes into the file `said`; `ports` are those of its configuration
        file, for a script that does not.
        """
        self._ports = ports

        def probe() -> str:
            with contextlib.suppress(OSError, ValueError):
                self._ports = json.loads(said.read_text(encoding="utf-8"))
            ask = readiness.probe(*(self._ports[key] for key in plain_service.PORTS))
            return ask() if ask else "nothing says where the service listens: its configuration has no http_port"

        objection = readiness.wait_until(probe, self._process.alive, time.monotonic() + seconds)
        if objection:
            raise TargetError(
                self.trouble()
                or f"the service did not answer within {seconds:g} s; last seen: {objection} (its log: {self._log}). "
                "More time: --timeout SECONDS"
            )

    def route(self) -> Route:
        """To where the client sends them, which must be where the server listens."""
        return Route(ports={key: port for key, port in self._ports.items() if port})

    def trouble(self) -> str:
        """The exit status and the last line of the server's log."""
        status = self._process.exit_status
        if status is None:
            return ""
        return f"web_service ended with status {status}: {reference.last_line(self._log)} (all of it: {self._log})"

    def reference(self, requests: Sequence[bytes]) -> Mapping[str, Answer]:
        """Paddle Inference on this machine."""
        return self._target.reference(self._combination, requests)


def environment(base: Mapping[str, str], admin_port: int, ports_file: Path) -> dict[str, str]:
    """The server's environment: no proxies, and the hook that runs web_service.py under the runtime."""
    kept = {name: value for name, value in base.items() if name not in ("http_proxy", "https_proxy")}
    told = {plain_service.ADMIN_PORT: str(admin_port), plain_service.PORTS_FILE: str(ports_file)}
    return {**hook.installed(kept), **told}


def config_file(web_service: str) -> str:
    """The name of the configuration file that the script of line 11 is told to read, config.yml where it is not."""
    name = "config.yml"
    for word, following in pairwise([*shlex.split(web_service), ""]):
        if word in ("--config", "-c"):
            name = following
        elif word.startswith("--config="):
            name = word.partition("=")[2]
    return name


def asks_for_gpu(file: Path, overrides: Mapping[str, str]) -> bool:
    """Whether an Op in a service's configuration file asks for a GPU; False where that cannot be told from outside."""
    try:
        config = resolve(yaml.safe_load(file.read_text(encoding="utf-8")), overrides, Switches(), worker=0)
    except (OSError, yaml.YAMLError, ConfigError):
        return False
    return any(op["local_service_conf"]["devices"] for op in (config.get("op") or {}).values())


def listening_ports(file: Path) -> dict[str, int | None]:
    """The ports in a service's configuration file, None where they cannot be told from outside."""
    document: object = None
    with contextlib.suppress(OSError, yaml.YAMLError):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {key: plain_service.port_in(document, key) for key in plain_service.PORTS}
