"""Loading a service changes the working directory and sys.path for good, so each is loaded in a forked process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

Load = Callable[..., dict[str, Any]]

LOADER = """
import dataclasses, io, json, os, sys
from pathlib import Path
from paddle_serving_runtime import serving_packages
from paddle_serving_runtime.errors import ServingError
from paddle_serving_runtime.graph import load
from paddle_serving_runtime.package.contents import load_package
from paddle_serving_runtime.paddle_model.switches import Switches

serving_packages.install()
import paddle_serving_server.web_service  # once, as it takes most of the time

def describe(node, root):
    return {
        "name": node.name,
        "op": type(node.op).__name__,
        "inputs": node.inputs,
        "model": str(node.model_dir.relative_to(root)) if node.model_dir else None,
        "switches": dataclasses.asdict(node.switches),
        "fetches": node.fetches,
        "kept": node.kept_shapes,
        "batch": [node.batch_size, node.auto_batching_timeout_ms, node.timeout_ms, node.retry],
        "attributes": {
            name: getattr(node.op, name, None) for name in ("ir_optim", "thread_num", "devices", "concurrency")
        },
    }

def answer(root, overrides, defaults):
    touched = []
    sys.addaudithook(lambda event, arguments: touched.append(event) if event.startswith("socket.") else None)
    printed = sys.stdout = io.StringIO()
    try:
        package = load_package(Path(root), defaults.pop("script", ""))
        worker = defaults.pop("worker", 0)
        graph = load(package, overrides, Switches(**defaults), worker)
    except ServingError as error:
        return {"error": error.describe(), "exitCode": error.exit_code}
    return {
        "service": graph.service,
        "output": graph.output,
        "nodes": [describe(node, package.root) for node in graph.nodes],
        "warnings": graph.warnings,
        "touched": touched,
        "config": graph.config,
        "printed": printed.getvalue(),
        "cwd": str(Path.cwd()),
        "response": type(graph.response_op).__name__,
        "request": type(graph.request_op).__name__,
    }

for line in sys.stdin:
    if (child := os.fork()) == 0:
        os.write(1, json.dumps(answer(*json.loads(line))).encode() + b"\\n")
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        os.write(1, b"null\\n")
"""


@pytest.fixture(scope="package")
def load() -> Iterator[Load]:
    """Loads a package with overrides and default switches, and returns what came of it."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", LOADER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        requests, answers = process.stdin, process.stdout

        def ask(root: Path, overrides: Mapping[str, str] | None = None, **defaults: object) -> dict[str, Any]:
            requests.write(json.dumps([str(root), overrides or {}, defaults]) + "\n")
            requests.flush()
            found = json.loads(answers.readline())
            assert found is not None, "the process that loaded the service died"
            return dict(found)

        yield ask
        requests.close()


@pytest.fixture
def error_of(load: Load) -> Callable[..., str]:
    """The message of the error that loading a package ends with; it has no path of this machine."""

    def ask(root: Path, overrides: Mapping[str, str] | None = None) -> str:
        found = load(root, overrides)
        assert found["exitCode"] == 4
        message: str = found["error"]
        assert str(root.parent) not in message
        return message

    return ask
