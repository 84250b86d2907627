"""From the options of a worker to an engine that is ready, and to what the supervisor is told about it."""

import contextlib
import logging
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paddle_serving_runtime.errors import ModelInvalid, ServiceBroken, ServingError
from paddle_serving_runtime.link.go_ahead import wait_for_go_ahead
from paddle_serving_runtime.link.ledger import PROOF_SECONDS, WorkerLedger
from paddle_serving_runtime.link.options import WorkerOptions
from paddle_serving_runtime.package.contents import Package, load_package
from paddle_serving_runtime.package.golden import Sample, load_samples, sample_files
from paddle_serving_runtime.paddle_model.paddle_errors import first_line
from paddle_serving_runtime.protocol import BadRequest, Limits, parse_request
from paddle_serving_runtime.protocol.call import SERVICE, Call
from paddle_serving_runtime.protocol.open_inference.datatypes import described_datatype

if TYPE_CHECKING:
    from paddle_serving_runtime.engine import Engine, ModelDescription, TensorDescription
    from paddle_serving_runtime.engine.direct import DirectEngine
    from paddle_serving_runtime.engine.inputs import EmptyAxes
    from paddle_serving_runtime.graph import Graph, Named

_LOG = logging.getLogger(__name__)
_PROOF_CPU_SECONDS = 2.0
_TOLD_EVERY_SECONDS = 5.0
_NOT_ASKED = (
    "Auto shares runs of plain models; for the models of a service's Ops it is asked for: "
    "engine.batching: {maxRows: 8} (any number but the default 16), serve --batching 8"
)
_DIED = "a worker ended while it computed several rows together; its log has how"
_EMPTY_SHAPE = re.compile(rb'"shape"\s*:\s*\[[^\]]*\b0\b')


@dataclass(frozen=True)
class Loaded:
    """An engine, the names of the service, and the line for the supervisor."""

    engine: "Engine"
    names: frozenset[str]
    report: dict[str, Any]


def load_engine(options: WorkerOptions, go_ahead: int | None = None) -> Loaded:
    """Loads the package, where `go_ahead` is a descriptor not before there is one on it.

    Raises ServingError where it cannot be served.
    """
    started = time.monotonic()
    paddle = import_paddle()
    from paddle_serving_runtime.graph import load  # noqa: PLC0415 - imports Paddle

    imported = began = time.monotonic()
    if go_ahead is not None:
        wait_for_go_ahead(go_ahead)
        began = time.monotonic()
    computing = options.computing
    package = load_package(Path(options.model_dir), computing.script)
    with _as_serving_errors(package):
        named = _named_shapes(options, package)
        graph = load(package, dict(computing.overrides), computing.switches, options.index, named)
        engine, told = _engine(options, graph, package)
    warnings = _warned(options, graph)
    names = frozenset(name for name in (options.name, graph.service) if name)
    report = {
        "service": graph.service,
        "names": sorted(names),
        "capacity": engine.capacity,
        **told,
        "models": describe_models(engine.models),
        "paddleVersion": paddle.version.full_version,
        "device": graph.nodes[-1].switches.device,
        "backends": sorted({node.switches.backend for node in graph.nodes if node.model_dir is not None}),
        "warnings": warnings,
        "importSeconds": round(imported - started, 3),
        "loadSeconds": round(time.monotonic() - began, 3),
    }
    return Loaded(engine, names, report)


@contextlib.contextmanager
def _as_serving_errors(package: Package) -> Iterator[None]:
    """Turns whatever goes wrong while a package is loaded into what ends `serve` at once, instead of new attempts."""
    try:
        yield
    except ServingError:
        raise
    except SystemExit as error:
        raise ServiceBroken(
            f"{package.script_name} ended the process with sys.exit({error.code}) while it was loaded"
        ) from error
    except Exception as error:
        _LOG.exception("the package cannot be loaded")
        raise ModelInvalid(
            f"{package.root} cannot be loaded: {type(error).__name__}: {first_line(error)}. The log has the place."
        ) from error


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
            "batchSize": model.batch_size,
        }
        for model in models
    ]


def _describe_tensor(tensor: "TensorDescription") -> dict[str, Any]:
    return {"name": tensor.name, "datatype": described_datatype(tensor.dtype), "shape": list(tensor.shape)}


def _named_shapes(options: WorkerOptions, package: Package) -> "Named":
    """What is computed for the warm-up and for the proof of shared runs: what is prepared then has to be kept."""
    from paddle_serving_runtime.graph import Named  # noqa: PLC0415 - imports Paddle
    from paddle_serving_runtime.paddle_model.warmup import WarmShape  # noqa: PLC0415 - for those who ask for it

    shapes = [WarmShape.parse(text) for text in options.warmup]
    sizes = len(options.batching.sizes) if _shares(options, package) else 0
    return Named(shapes, len(sample_files(package)), sizes)


def _warned(options: WorkerOptions, graph: "Graph") -> list[str]:
    """The warnings about the package, which are in the log too."""
    # all that the direct engine leaves out is without effect in the pipeline engine too, but this
    direct = options.engine == "direct"
    warnings = [warning for warning in graph.warnings if direct or not warning.startswith("dag.retry ")]
    for warning in warnings:
        _LOG.warning(warning)
    return warnings


def _engine(options: WorkerOptions, graph: "Graph", package: Package) -> tuple["Engine", dict[str, Any]]:
    """The engine, and what is told about runs that requests share and about shapes that were computed beforehand."""
    if options.engine == "pipeline":
        from paddle_serving_runtime.worker.pipeline import pipeline_engine  # noqa: PLC0415 - imports Paddle

        return pipeline_engine(options, graph), {"batching": None, "warmup": None}
    from paddle_serving_runtime.engine import DirectEngine  # noqa: PLC0415 - the same
    from paddle_serving_runtime.worker.batching import BatchingEngine  # noqa: PLC0415 - the same

    samples = load_samples(package)
    direct = DirectEngine(graph, shown=_shown(package, samples))
    batching = _shared(options, direct, package, samples) if options.batching.on else None
    warmup = _warmed(options, direct) if options.warmup else None
    return BatchingEngine(direct, options.batching.wait), {"batching": batching, "warmup": warmup}


def _shared(
    options: WorkerOptions, engine: "DirectEngine", package: Package, samples: Iterable[Sample]
) -> dict[str, Any]:
    """What is proved of runs that requests share, as JSON; nothing is tried of a service that was not named for it."""
    from paddle_serving_runtime.engine.proof import described, refused  # noqa: PLC0415 - imports Paddle

    if not _shares(options, package):
        return described({"": refused(_NOT_ASKED)})
    return _proved(options, engine, samples)


def _shares(options: WorkerOptions, package: Package) -> bool:
    """Whether requests may share runs of this package's models."""
    return options.batching.on and (package.web_service is None or options.batching.services)


def _proved(options: WorkerOptions, engine: "DirectEngine", samples: Iterable[Sample]) -> dict[str, Any]:
    """Proves numbers of rows by the golden samples; what came out as JSON."""
    from paddle_serving_runtime.engine.proof import Trial, described, refused, within  # noqa: PLC0415 - imports Paddle

    started, ledger = time.monotonic(), WorkerLedger(Path(options.ledger), options.index)
    if not ledger.begin_proof():
        # else a model that Paddle ends the process for, with several rows, would keep the pod from being Ready for ever
        return described({"": refused(_DIED)})
    # the thread's own time: a node that is busy proves as much as one that is idle, unless somebody would wait for long
    spent, late = within(_PROOF_CPU_SECONDS, time.thread_time), within(PROOF_SECONDS / 2, time.monotonic)
    trial = Trial(options.batching.sizes, lambda: spent() or late())
    calls = [Call(SERVICE, inputs) for inputs in _inputs(samples)]
    proofs = described(engine.prove(calls, trial, ledger))
    ledger.end_proof()
    seconds = round(time.monotonic() - started, 3)
    _LOG.info("batching: proved", extra={"fields": {"worker": options.index, "seconds": seconds, **proofs}})
    return proofs


def _warmed(options: WorkerOptions, engine: "DirectEngine") -> dict[str, Any]:
    """Computes the named shapes; what was done as JSON."""
    from paddle_serving_runtime.paddle_model.warmup import WarmShape  # noqa: PLC0415 - for those who ask for it

    count, started = len(options.warmup), time.monotonic()
    told = started

    def progress(number: int) -> None:
        nonlocal told
        now = time.monotonic()
        if number == count or now - told > _TOLD_EVERY_SECONDS:
            told = now
            _LOG.info("warm-up: %d of %d shapes in %.1f s", number, count, now - started)

    warmed = engine.warm([WarmShape.parse(text) for text in options.warmup], progress)
    seconds = round(time.monotonic() - started, 3)
    return {"shapes": warmed.shapes, "sharedSizes": warmed.sizes, "seconds": seconds}


def _inputs(samples: Iterable[Sample]) -> Iterator[Mapping[str, Any]]:
    """What is given in each request; nothing for one that cannot be parsed."""
    for sample in samples:
        with contextlib.suppress(BadRequest):  # whoever compares says it
            yield parse_request(sample.body, Limits()).inputs


def _shown(package: Package, samples: Iterable[Sample]) -> "frozenset[EmptyAxes]":
    """The empty inputs in the golden samples of a plain model; a service's own Ops judge what they are given."""
    from paddle_serving_runtime.engine.inputs import empty_axes  # noqa: PLC0415 - imports Paddle

    if package.web_service is not None:
        return frozenset()
    # the others need not be parsed
    suspects = (sample for sample in samples if _EMPTY_SHAPE.search(sample.body))
    return frozenset(empty_axes(inputs) for inputs in _inputs(suspects))
