"""What this pod's proof is about and what computes it, as far as settings, files and the machine tell."""

import os
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from paddle_serving_runtime.evidence.origin import Origin, engine_variables, model_switches
from paddle_serving_runtime.evidence.processor import this_processor
from paddle_serving_runtime.package.contents import GOLDEN
from paddle_serving_runtime.package.manifest import digest_of, folder_digest
from paddle_serving_runtime.paddle_model.computing import Computing
from paddle_serving_runtime.reference.report import Reference
from paddle_serving_runtime.supervisor.settings import ServeSettings

RUNTIME = "paddle-serving-runtime"


def origin_of(settings: ServeSettings) -> Origin:
    """Everything but what Paddle alone can tell. Reads the golden samples, and without a digest the whole package."""
    package = package_origin(settings.model_dir, settings.engine, settings.computing)
    return replace(
        package, model_digest=settings.digest or digest_of(settings.model_dir), image_digest=settings.image_digest
    )


def package_origin(model_dir: Path, engine: str, computing: Computing) -> Origin:
    """What this machine would prove about a package; the digest of the package and Paddle's part are left open."""
    return Origin(
        model_digest="",
        golden_digest=folder_digest(model_dir, GOLDEN),
        runtime_version=version(RUNTIME),
        image_digest="",
        paddle_version="",
        device=computing.device,
        processor=this_processor(),
        switches=_switches_json(engine, computing),
        backend=computing.backend,
    )


def _switches_json(engine: str, computing: Computing) -> dict[str, Any]:
    """What was asked for, as the report has it; what each model really runs with is known later."""
    return {
        "engine": engine,
        "script": computing.script,
        "irOptim": computing.ir_optim,
        "oneDNN": computing.onednn,
        "threads": computing.threads,
        "overrides": dict(computing.overrides),
        "environment": engine_variables(os.environ),
        "models": {},
    }


def completed(origin: Origin, reference: Reference | None, loaded: Mapping[str, Any]) -> Origin:
    """The origin with what the reference has found out, and what a worker has `loaded`, as far as there are such."""
    if reference is not None:
        switches = {**origin.switches, "models": model_switches(reference.switches)}
        origin = replace(origin, paddle_version=reference.paddle_version, device=reference.device, switches=switches)
    return replace(
        origin,
        paddle_version=loaded.get("paddleVersion", origin.paddle_version),
        device=loaded.get("device", origin.device),
    )
