"""From the options of a worker to an engine that is ready, and to what the supervisor is told about it."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paddle_serving_runtime.errors import ServiceBroken
from paddle_serving_runtime.model.package import load_package
from paddle_serving_runtime.model.predictor import Switches
from paddle_serving_runtime.protocol.datatypes import described_datatype
from paddle_serving_runtime.worker.options import WorkerOptions

if TYPE_CHECKING:
    from paddle_serving_runtime.engine import Engine, ModelDescription, TensorDescription
    from paddle_serving_runtime.graph import Graph

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """An engine, the names of the service, and the line for the supervisor."""

    engine: "Engine"
    names: frozenset[str]
    report: dict[str, Any]


def load_engine(options: WorkerOptions) -> Loaded:
    """Loads the package. Raises ServingError where it cannot be served."""
    started = time.monotonic()
    paddle = import_paddle()
    from paddle_serving_runtime.graph import load  # noqa: PLC0415 - imports Paddle

    imported = time.monotonic()
    package = load_package(Path(options.model_dir))
    switches = Switches(
        ir_optim=options.ir_optim, onednn=options.onednn, threads=options.threads, device=options.device
    )
    try:
        graph = load(package, dict(options.overrides), switches, options.index)
        engine = _engine(options, graph)
    except SystemExit as error:
        raise ServiceBroken(
            f"web_service.py ended the process with sys.exit({error.code}) while it was loaded"
        ) from error
    for warning in graph.warnings:
        # all that the direct engine leaves out is without effect in the pipeline engine too, but this
        if options.engine == "direct" or not warning.startswith("dag.retry "):
            _LOG.warning(warning)
    names = frozenset(name for name in (options.name, graph.service) if name)
    report = {
        "service": graph.service,
        "names": sorted(names),
        "capacity": engine.capacity,
        "models": describe_models(engine.models),
        "paddleVersion": paddle.version.full_version,
        "device": graph.nodes[-1].switches.device,
        "importSeconds": round(imported - started, 3),
        "loadSeconds": round(time.monotonic() - imported, 3),
    }
    return Loaded(engine, names, report)


def import_paddle() -> Any:  # noqa: ANN401 - paddle has no types
    """The module: most of the time that a worker takes to start."""
    import paddle  # noqa: PLC0415 - seconds long, and a wrong option must not wait for it

    # else Paddle turns SIGTERM into an abort with a trace
    paddle.disable_signal_handler()
    return paddle


def describe_models(models: Sequence["ModelDescription"]) -> list[dict[str, Any]]:
    """The models as JSON, with the data types of the Open Inference Protocol."""
    return [
        {
            "name": model.name,
            "inputs": [_describe_tensor(tensor) for tensor in model.inputs],
            "outputs": [_describe_tensor(tensor) for tensor in model.outputs],
        }
        for model in models
    ]


def _describe_tensor(tensor: "TensorDescription") -> dict[str, Any]:
    return {"name": tensor.name, "datatype": described_datatype(tensor.dtype), "shape": list(tensor.shape)}


def _engine(options: WorkerOptions, graph: "Graph") -> "Engine":
    if options.engine == "pipeline":
        from paddle_serving_runtime.worker.pipeline import pipeline_engine  # noqa: PLC0415 - imports Paddle

        return pipeline_engine(options, graph)
    from paddle_serving_runtime.engine import DirectEngine  # noqa: PLC0415 - the same
    from paddle_serving_runtime.worker.batching import BatchingEngine  # noqa: PLC0415 - the same

    return BatchingEngine(DirectEngine(graph))
