"""`python3 web_service.py op.x.key=value` under the runtime: its server becomes `paddle-serving-runtime serve`.

The original's servers mostly ignore these arguments (AlexNet reads config.yml only); here they always take effect.
The script is the one of the command line, with all its arguments.
"""

import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import NoReturn, Protocol

import yaml

from tipc import hook, runtime
from tipc.matrix import config_overrides, script_arguments
from tipc.naming import dns_label
from tipc.ports import answers_on, free_port

ADMIN_PORT = "TIPC_ADMIN_PORT"
PORTS_FILE = "TIPC_PORTS_FILE"
PORTS = ("http_port", "rpc_port")


class _Server(Protocol):
    """Paddle Serving's PipelineServer, as far as it is used here."""

    _name: str | None


def install() -> None:
    """Makes the pipeline server of this process end in `serve`, as soon as a script imports it.

    The script itself sees the arguments that the original means.
    """
    from paddle_serving_runtime import serving_packages  # noqa: PLC0415 - absent where Paddle Serving runs as it is
    from paddle_serving_runtime.serving_packages.finder import REPAIRS  # noqa: PLC0415

    sys.argv[1:] = script_arguments(sys.argv[1:])
    # a copy: the script may take arguments out of its own
    argv = tuple(sys.argv)
    configurations: list[object] = []

    def prepare_server(_server: _Server, yml_file: str | None = None, yml_dict: object = None) -> None:
        configurations.append(yaml.safe_load(Path(yml_file).read_text(encoding="utf-8")) if yml_file else yml_dict)

    def run_server(server: _Server) -> NoReturn:
        serve(server._name or "", configurations[-1], argv)  # noqa: SLF001 - the class has no public way to it

    def repair(module: ModuleType) -> None:
        module.PipelineServer.prepare_server = prepare_server
        module.PipelineServer.run_server = run_server

    REPAIRS["paddle_serving_server.pipeline.pipeline_server"] = repair
    serving_packages.install()


def serve(name: str, configuration: object, argv: Sequence[str]) -> NoReturn:
    """Replaces this process by the runtime on the ports of the configuration, with the same script and arguments.

    Whoever has started it reads them in the file PORTS_FILE.
    """
    ports = {key: port_in(configuration, key) for key in PORTS}
    if not any(ports.values()):
        sys.exit("The service's configuration has no http_port and no rpc_port, so it listens nowhere. Add one.")
    for key, port in ports.items():
        if port and answers_on(port):
            sys.exit(f"port {port} is in use by another process; stop that one or change {key} of the service.")
    if PORTS_FILE in os.environ:
        Path(os.environ[PORTS_FILE]).write_text(json.dumps(ports), encoding="utf-8")
    chosen = (ports["http_port"] or free_port(), ports["rpc_port"] or free_port())
    arguments = serve_arguments(name, chosen, argv, os.environ, Path.cwd())
    os.execve(sys.executable, runtime.command(*arguments), hook.removed(os.environ))  # noqa: S606 - replaces itself


def port_in(configuration: object, key: str) -> int | None:
    """A port of a parsed config.yml, None where it has none."""
    port = configuration.get(key) if isinstance(configuration, dict) else None
    return port if isinstance(port, int) else None


def serve_arguments(
    name: str, ports: tuple[int, int], argv: Sequence[str], environment: Mapping[str, str], directory: Path
) -> list[str]:
    """Arguments of the runtime: one worker, ports for HTTP and gRPC, golden samples verified where there are any.

    `argv` is the script with its arguments; those that are keys of config.yml take effect even where the script
    ignores them.
    """
    arguments = ["serve", "--model-dir", str(directory), "--name", dns_label(name), "--workers", "1"]
    arguments += ["--http-port", str(ports[0]), "--grpc-port", str(ports[1])]
    arguments += ["--admin-port", environment.get(ADMIN_PORT, "8081")]
    # a test is over before a worker would need one that takes its place
    arguments += ["--drain-delay", "0", "--drain-timeout", "5", "--standby", "false"]
    if not (directory / "golden").is_dir():
        arguments += ["--consistency-required", "false"]
    return [*arguments, *runtime.service(shlex.join(argv), config_overrides(argv[1:]))]
