"""Runs a user's web_service.py up to the point where its server would start."""

import contextlib
import os
import runpy
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from paddle_serving_runtime import serving_packages
from paddle_serving_runtime.graph import plain_yaml
from paddle_serving_runtime.graph.config import Config, overridden, unknown_keys
from paddle_serving_runtime.package.contents import Package

Resolve = Callable[[object], Config]


class StartedError(BaseException):
    """The script has called run_service(): what blocks for ever upstream ends the script here."""


class GaveUpError(BaseException):
    """Paddle Serving has called os._exit(); the cause is this exception's context, if any."""


@dataclass
class Captured:
    """What the script has built; `file` is the configuration that it has read last, usable or not."""

    server: Any = None
    file: Path | None = None
    warnings: list[str] = field(default_factory=list)
    config: Config = field(default_factory=dict)

    def read(self, path: str) -> object:
        """The parsed file that the script asks for."""
        self.file = Path(path)
        return read_yaml(self.file)


def run_script(script: Path, package: Package, resolve: Resolve, captured: Captured) -> None:
    """Executes the script as __main__ in the package's directory up to the pipeline server that it would start.

    That goes into `captured`. `resolve` turns the parsed configuration, from whichever file or dict the script takes
    it, into the one to use. The working directory and sys.path stay changed, as Ops open files relative to it later.
    What the script prints goes to stderr. Raises whatever the script raises.
    """
    serving_packages.install()
    os.chdir(package.root)
    sys.dont_write_bytecode = True  # the package is not ours to write into
    if str(script.parent) not in sys.path:
        sys.path.insert(0, str(script.parent))
    arguments = _arguments(script, package.config) if package.arguments is None else package.arguments
    argv, sys.argv = sys.argv, [str(script.relative_to(package.root)), *arguments]
    try:
        with _interception(captured, resolve), contextlib.redirect_stdout(sys.stderr):
            runpy.run_path(str(script), run_name="__main__")
    except StartedError:
        pass
    finally:
        sys.argv = argv


def _arguments(script: Path, config: Path | None) -> list[str]:
    """What upstream's harness passes, for the scripts that ask for it; others may refuse arguments they don't know."""
    source = script.read_text(encoding="utf-8", errors="replace")
    asks = "ArgsParser" in source or "--config" in source
    return [f"--config={config.name}"] if config is not None and asks else []


def import_serving_packages() -> None:
    """Imports what every script imports, for who has time now and none later."""
    serving_packages.install()
    import paddle_serving_server.web_service  # noqa: PLC0415 - importable after install() only

    del paddle_serving_server


@contextlib.contextmanager
def _interception(captured: Captured, resolve: Resolve) -> Iterator[None]:
    from paddle_serving_server.pipeline import PipelineServer  # noqa: PLC0415 - importable after install() only
    from paddle_serving_server.pipeline.pipeline_server import ServerYamlConfChecker  # noqa: PLC0415
    from paddle_serving_server.util import ArgsParser  # noqa: PLC0415
    from paddle_serving_server.web_service import WebService  # noqa: PLC0415

    def prepare_server(self: Any, yml_file: str | None = None, yml_dict: Config | None = None) -> None:  # noqa: ANN401
        captured.config = resolve(captured.read(yml_file) if yml_file is not None else yml_dict)
        captured.warnings += unknown_keys(captured.config)
        self._conf = ServerYamlConfChecker.load_server_yaml_conf(yml_dict=captured.config)
        for op in self._used_op:
            op._use_encryption_model = False  # noqa: SLF001 - it has no meaning here, and upstream prints it if unset
        self._init_ops(self._conf["op"])

    def run_server(self: Any) -> NoReturn:  # noqa: ANN401
        captured.server = self
        raise StartedError

    def parse_opt(_self: object, options: list[str] | None, path: str) -> Config:
        return resolve(overridden(captured.read(path), options or ()))

    def refuse(*_arguments: object, **_options: object) -> NoReturn:
        raise RuntimeError("services on the C++ server are not supported; use prepare_pipeline_config and run_service")

    replaced: list[tuple[Any, str, Any]] = [
        (PipelineServer, "prepare_server", prepare_server),
        (PipelineServer, "run_server", run_server),
        (ArgsParser, "_parse_opt", parse_opt),
        *((WebService, name, refuse) for name in ("prepare_server", "run_rpc_service", "run_debugger_service")),
        (os, "_exit", _give_up),
    ]
    originals = [(owner, name, getattr(owner, name)) for owner, name, _ in replaced]
    for owner, name, replacement in replaced:
        setattr(owner, name, replacement)
    try:
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def read_yaml(path: Path) -> object:
    """The parsed file, plain data only. Raises OSError or yaml.YAMLError."""
    return plain_yaml.parse(path.read_text(encoding="utf-8"))


def _give_up(_status: int) -> NoReturn:
    raise GaveUpError
