"""`python3 web_service.py op.x.key=value` under the runtime: run_service() becomes `paddle-serving-runtime serve`.

The original's servers mostly ignore these arguments (AlexNet reads config.yml only); here they always take effect.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import NoReturn, Protocol

from tipc import runtime
from tipc.matrix import override
from tipc.naming import dns_label

ADMIN_PORT = "TIPC_ADMIN_PORT"
HOOK = "TIPC_PLAIN_HOOK"


class _Server(Protocol):
    _http_port: int


class _Service(Protocol):
    name: str
    _server: _Server


def install() -> None:
    """Makes WebService.run_service of this process end in `serve`, as soon as a script imports it."""
    from paddle_serving_runtime import serving_packages  # noqa: PLC0415 - absent where Paddle Serving runs as it is
    from paddle_serving_runtime.serving_packages.finder import REPAIRS  # noqa: PLC0415

    def repair(module: ModuleType) -> None:
        module.WebService.run_service = run_service

    REPAIRS["paddle_serving_server.web_service"] = repair
    serving_packages.install()


def run_service(service: _Service) -> NoReturn:
    """Replaces this process by the runtime on the port of config.yml."""
    port = service._server._http_port  # noqa: SLF001 - Paddle Serving has no other way to ask
    arguments = serve_arguments(service.name, port, sys.argv[1:], os.environ, Path.cwd())
    os.execve(sys.executable, runtime.command(*arguments), without_hook(os.environ))  # noqa: S606 - replaces itself


def serve_arguments(
    name: str, http_port: int, argv: Sequence[str], environment: Mapping[str, str], directory: Path
) -> list[str]:
    """Arguments of the runtime: one worker, and golden samples verified where the directory has any."""
    pairs = [override(*text.split("=", 1)) for text in argv if "=" in text and not text.startswith("-")]
    arguments = ["serve", "--model-dir", str(directory), "--name", dns_label(name), "--workers", "1"]
    arguments += ["--http-port", str(http_port), "--admin-port", environment.get(ADMIN_PORT, "8081")]
    arguments += ["--drain-delay", "0", "--drain-timeout", "5"]
    if not (directory / "golden").is_dir():
        arguments += ["--consistency-required", "false"]
    if pairs:
        arguments += ["--overrides", *[f"{key}={value}" for key, value in pairs]]
    return arguments


def without_hook(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without the folder that brought this hook: the runtime reads web_service.py itself."""
    hook = environment.get(HOOK, "").split(os.pathsep)
    kept = [part for part in environment.get("PYTHONPATH", "").split(os.pathsep) if part and part not in hook]
    return {**environment, "PYTHONPATH": os.pathsep.join(kept)}
