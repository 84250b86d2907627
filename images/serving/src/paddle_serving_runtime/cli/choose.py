"""Finds out which backend `serve --backend Auto` takes: times each on the golden samples, compares the answers."""

import argparse
import contextlib
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import orjson

from paddle_serving_runtime.cli.options import (
    SERVED_BACKENDS,
    add_computing,
    add_consistency,
    computing_from,
    consistency_from,
)
from paddle_serving_runtime.consistency import EXACT, Answer, compare, describe
from paddle_serving_runtime.errors import NotVerifiable
from paddle_serving_runtime.graph import Graph, load
from paddle_serving_runtime.graph.load import with_backend
from paddle_serving_runtime.package.contents import load_package
from paddle_serving_runtime.package.golden import Recorded, load_recorded, load_samples
from paddle_serving_runtime.paddle_model.files import find_model_files
from paddle_serving_runtime.paddle_model.openvino_fit import ambiguous
from paddle_serving_runtime.paddle_model.plugin import plugin_path
from paddle_serving_runtime.paddle_model.program import read_program
from paddle_serving_runtime.paddle_model.switches import Asked, Backend
from paddle_serving_runtime.reference.trial import Tried, try_backends
from paddle_serving_runtime.verdict.backend import Choice, Trial, choose, not_tried
from paddle_serving_runtime.verdict.verification import compare_recorded, trusted_recordings

_SECONDS = 1.0
"""For all measurements, loading not counted."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `choose`."""
    parser.add_argument("--model-dir", type=Path, required=True, help="the model package")
    parser.add_argument("--output", type=Path, help="where the choice goes, as JSON")
    add_consistency(parser)
    add_computing(parser, SERVED_BACKENDS)


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 when a backend is chosen. Raises ServingError where the package cannot be computed at all."""
    output = arguments.output.resolve() if arguments.output else None  # a service changes the working directory
    with contextlib.redirect_stdout(sys.stderr):
        choice = _chosen(arguments)
    for reason in choice.reasons:
        print(reason)
    if output is not None:
        output.write_bytes(orjson.dumps(choice.to_fields()))
    return 0


def _chosen(arguments: argparse.Namespace) -> Choice:
    computing = computing_from(arguments)
    asked = computing.backend
    package = load_package(arguments.model_dir, computing.script)
    samples = load_samples(package)
    recorded = load_recorded(package)
    limit = consistency_from(arguments, "auto", required=False).max_tolerance
    if asked == "Auto":
        if not samples or any(sample.name not in recorded for sample in samples):
            return not_tried(asked, "Auto compares with recorded answers, and not every golden sample has one")
        if (computing.device, plugin_path()) == ("cpu", None):
            return not_tried(asked, "this installation of Paddle has no OpenVINO engine")
        try:
            recorded, _ = trusted_recordings(recorded, limit, required=True)
        except NotVerifiable as error:
            return not_tried(asked, error.message.rstrip("."))
    graph = load(package, dict(computing.overrides), replace(computing, backend="Default").switches)
    graphs, failures = _graphs(graph, asked)
    tried = try_backends(graphs, samples, time.process_time, time.monotonic, _SECONDS)
    trials = [_trial(name, one, tried["Default"], recorded, graph) for name, one in tried.items()]
    trials += [Trial(name, 0.0, failure, "", same_bits=False) for name, failure in failures.items()]
    return choose(asked, trials)


def _graphs(graph: Graph, asked: Asked) -> tuple[dict[Backend, Graph], dict[Backend, str]]:
    """The service with every backend that at least one of its models can have, and why others have none."""
    others: tuple[Backend, ...] = ("OpenVINO", "NewExecutor")
    graphs: dict[Backend, Graph] = {"Default": graph}
    failures: dict[Backend, str] = {}
    for backend in others:
        if asked not in ("Auto", backend):
            continue
        with_it = with_backend(graph, backend)
        if any(node.switches.backend == backend for node in with_it.nodes):
            graphs[backend] = with_it
        elif backend == "OpenVINO":
            failures[backend] = " ".join(with_it.warnings).rstrip(".") or "the service has no model"
    return graphs, failures


def _trial(backend: Backend, tried: Tried, default: Tried, recorded: Mapping[str, Recorded], graph: Graph) -> Trial:
    difference = _difference(tried.answers, recorded)
    if difference and backend == "OpenVINO" and (kinds := _ambiguous(graph)):
        difference += (
            f" (the model has {', '.join(kinds)}, where two answers can both be right: oneDNN, which Default uses, "
            "chooses otherwise than Paddle's own kernels)"
        )
    same = all(
        found.equal
        for name, answer in tried.answers.items()
        for found in compare(name, answer, default.answers[name], EXACT, "", "")
    )
    return Trial(backend, tried.seconds * 1e3, tried.failure, difference, same_bits=same and not tried.failure)


def _difference(answers: Mapping[str, Answer], recorded: Mapping[str, Recorded]) -> str:
    """The first that is not as it was recorded; empty where all are."""
    found = (
        one for name in answers if name in recorded for one in compare_recorded(name, answers[name], recorded[name])
    )
    return next((describe(one).rstrip(".") for one in found if not one.equal), "")


def _ambiguous(graph: Graph) -> tuple[str, ...]:
    folders = [node.model_dir for node in graph.nodes if node.model_dir is not None]
    return tuple(sorted({kind for folder in folders for kind in ambiguous(read_program(find_model_files(folder)))}))
