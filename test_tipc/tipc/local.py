"""The service as a process on this machine, started by the command line of the configuration."""

import contextlib
import os
import shlex
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from paddle_serving_runtime.consistency import Answer
from tipc import matrix, plain_service, reference
from tipc.config import Config
from tipc.matrix import Combination
from tipc.processes import Process
from tipc.recorder import Route
from tipc.target import TargetError

TIPC = Path(__file__).resolve().parent


class LocalTarget:
    """Runs web_service.py of a configuration; logs and captured requests go to `output`."""

    name = "local"

    def __init__(self, root: Path, config: Config, output: Path, seconds: float) -> None:
        self._service_dir = (root / config.serving_dir).resolve()
        self._config = config
        self._output = output
        self._seconds = seconds

    def command(self, combination: Combination) -> str:
        """The command line of the configuration."""
        return " ".join(matrix.server_command(self._config, combination))

    @contextmanager
    def start(self, combination: Combination) -> Iterator["LocalService"]:
        """The server's process; it may still be loading its model. Raises TargetError where its port is taken."""
        port = http_port(self._service_dir, self._config.web_service)
        if port and answers_on(port):
            raise TargetError(
                f"port {port} of config.yml is in use by another process; stop that one or change http_port"
            )
        log = self._output / f"web_service_{combination.device}_{combination.label}.log"
        command = matrix.server_command(self._config, combination)
        with Process(command, self._service_dir, environment(dict(os.environ)), log) as process:
            yield LocalService(self, combination, process, log)

    def reference(self, combination: Combination, requests: Sequence[bytes]) -> Mapping[str, Answer]:
        """Paddle Inference with the same switches on the same files."""
        work = self._output / "reference" / self._config.model_name
        work.mkdir(parents=True, exist_ok=True)
        reference.package(self._service_dir, work / "package", requests)
        overrides = matrix.overrides(self._config, combination)
        try:
            return reference.answers(work / "package", overrides, work, self._seconds)
        except reference.InferenceError as error:
            raise TargetError(str(error)) from None


class LocalService:
    """One run of web_service.py."""

    def __init__(self, target: LocalTarget, combination: Combination, process: Process, log: Path) -> None:
        self._target = target
        self._combination = combination
        self._process = process
        self._log = log
        self._deadline = time.monotonic() + target._seconds  # noqa: SLF001 - parts of one thing

    def route(self) -> Route:
        """To where the client sends them: the server listens on the port of config.yml."""
        return Route(self._deadline, self._process.alive)

    def trouble(self) -> str:
        """The exit status and the last line of the server's log."""
        status = self._process.exit_status
        if status is None:
            return ""
        return f"web_service ended with status {status}: {reference.last_line(self._log)} (all of it: {self._log})"

    def reference(self, requests: Sequence[bytes]) -> Mapping[str, Answer]:
        """Paddle Inference on this machine."""
        return self._target.reference(self._combination, requests)


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """The server's environment: no proxies, and the hook that runs web_service.py under the runtime."""
    kept = {name: value for name, value in base.items() if name not in ("http_proxy", "https_proxy")}
    hook = os.pathsep.join((str(TIPC / "plain"), str(TIPC.parent)))
    path = os.pathsep.join(part for part in (hook, kept.get("PYTHONPATH", "")) if part)
    return {**kept, "PYTHONPATH": path, plain_service.HOOK: hook, plain_service.ADMIN_PORT: str(free_port())}


def http_port(service_dir: Path, web_service: str) -> int | None:
    """The http_port of the service's configuration, None where it cannot be told from outside."""
    name = next(
        (word.split("=", 1)[1] for word in shlex.split(web_service) if word.startswith("--config=")), "config.yml"
    )
    with contextlib.suppress(OSError, yaml.YAMLError):
        document = yaml.safe_load((service_dir / name).read_text(encoding="utf-8"))
        if isinstance(document, dict) and isinstance(document.get("http_port"), int):
            return int(document["http_port"])
    return None


def answers_on(port: int) -> bool:
    """Whether something listens on the port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port of loopback that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
