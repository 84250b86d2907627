"""What `python web_service.py` says here: Paddle Serving's classes are there, but what serves is the runtime."""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from paddle_serving_runtime import serving_packages
from paddle_serving_runtime.serving_packages.finder import REPAIRS

SERVER = "paddle_serving_server.pipeline.pipeline_server"


def install() -> None:
    """Repairs Paddle Serving's packages as for the runtime, so that clients work; a service says what serves it."""
    REPAIRS[SERVER] = refuse_to_serve
    serving_packages.install()


def refuse_to_serve(module: ModuleType) -> None:
    """Lets the module's PipelineServer say what serves here, as soon as a script gives it a configuration."""

    def refuse(server: Any, *_arguments: object, **_options: object) -> NoReturn:  # noqa: ANN401 - it has no types
        verifiable = Path("golden").is_dir()
        sys.exit(advice(server._name or "", sys.argv, verifiable=verifiable))  # noqa: SLF001 - the class has no public way to it

    module.PipelineServer.prepare_server = refuse
    module.PipelineServer.run_server = refuse


def advice(service: str, argv: Sequence[str], *, verifiable: bool) -> str:
    """The sentence that names the command which serves the script `argv`, with golden samples or without."""
    name = re.sub(r"[^a-z0-9]+", "-", service.lower()).strip("-") or "model"
    command = f"paddle-serving-runtime serve --model-dir . --name {name}"
    if not verifiable:
        command += " --consistency-required false"
    if list(argv) != ["web_service.py"]:
        command += f" --script {shlex.quote(shlex.join(argv))}"
    return f"{argv[0]}: Paddle Serving's own server does not run here. The runtime serves this script: {command}"
