"""Computes what Paddle Inference alone answers to every golden sample."""

import argparse
import contextlib
import dataclasses
import os
import sys
import time
from pathlib import Path

from paddle_serving_runtime.cli.options import add_computing, computing_from
from paddle_serving_runtime.errors import InvalidOption, NotVerifiable
from paddle_serving_runtime.graph import Graph, load
from paddle_serving_runtime.link.go_ahead import wait_for_go_ahead
from paddle_serving_runtime.package.contents import load_package
from paddle_serving_runtime.package.golden import load_samples
from paddle_serving_runtime.paddle_model.predictor import require_gpu
from paddle_serving_runtime.reference.report import Reference, write
from paddle_serving_runtime.reference.run import run as compute
from paddle_serving_runtime.words import counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `reference`."""
    parser.add_argument("--model-dir", type=Path, required=True, help="the model package")
    parser.add_argument("--output", type=Path, required=True, help="where the answers go, as JSON")
    parser.add_argument("--go-ahead", type=int, metavar="FD", help=argparse.SUPPRESS)
    add_computing(parser)


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 when the answers are written. Raises ServingError."""
    computing = computing_from(arguments)
    if arguments.go_ahead is not None:
        import paddle  # noqa: F401, PLC0415 - a second's import, while `serve` verifies the files

        wait_for_go_ahead(arguments.go_ahead)
    started = time.monotonic()
    output = arguments.output.resolve()  # loading a service changes the working directory
    package = load_package(arguments.model_dir, computing.script)
    samples = load_samples(package)
    if not samples:
        raise NotVerifiable(f"{package.golden} has no samples. Add requests as golden/<name>.json or <name>.npz.")
    with contextlib.redirect_stdout(sys.stderr):
        graph = load(package, dict(computing.overrides), computing.switches)
        for warning in graph.warnings:
            print(f"warning: {warning}")
        _require_devices(graph)
        answers, derived = compute(graph, samples, package.root)
    from paddle import version  # noqa: PLC0415 - loaded by now, and not for --help

    write(
        output,
        Reference(
            paddle_version=version.full_version,
            device=next(node for node in graph.nodes if node.name == graph.output).switches.device,
            switches={node.name: dataclasses.asdict(node.switches) for node in graph.nodes},
            answers=answers,
            derived=derived,
            models=_models(graph, package.root),
        ),
    )
    print(f"{counted(len(samples), 'sample')} answered in {time.monotonic() - started:.1f} s: {output}")
    return 0


def _models(graph: Graph, root: Path) -> dict[str, str]:
    folders = {node.name: node.model_dir for node in graph.nodes if node.model_dir is not None}
    return {name: os.path.relpath(folder.resolve(), root.resolve()) for name, folder in folders.items()}


def _require_devices(graph: Graph) -> None:
    """Raises InvalidOption for a node whose GPU is not here, with the way to compute its answers all the same."""
    import paddle  # noqa: PLC0415 - loaded by now, and not for --help

    for node in graph.nodes:
        if node.switches.device == "cpu":
            continue
        try:
            require_gpu(paddle, node.switches.device)
        except InvalidOption as error:
            cpu = f"--overrides op.{node.name}.local_service_conf.devices=" if node.op else "--device cpu"
            raise InvalidOption(
                f"{node.name}: {error.message} The reference is computed on the device that serves; {cpu} computes it "
                f"on the CPU, whose answers differ in the last digits."
            ) from None
