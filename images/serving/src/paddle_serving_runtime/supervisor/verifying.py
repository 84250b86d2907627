"""Puts a verifier together: what a package has to prove its workers with, and the reference that is being computed."""

import asyncio
import logging
from pathlib import Path

from paddle_serving_runtime.package.contents import load_package
from paddle_serving_runtime.package.golden import load_recorded, load_samples
from paddle_serving_runtime.supervisor.launch import Launched
from paddle_serving_runtime.supervisor.output import Output
from paddle_serving_runtime.supervisor.reference import reference_answers
from paddle_serving_runtime.supervisor.settings import ServeSettings
from paddle_serving_runtime.supervisor.verifier import Verifier
from paddle_serving_runtime.verdict.verification import trusted_recordings, usable_recordings

_LOG = logging.getLogger(__name__)


def prepare_verifier(
    settings: ServeSettings, launched: Launched, folder: Path
) -> tuple[Verifier, tuple[asyncio.Task[None], ...]]:
    """The verifier, and the tasks that must be cancelled in the end.

    Raises NotVerifiable where what is required for a proof is not there, ModelInvalid for a broken package.
    """
    package = load_package(settings.model_dir, settings.computing.script)
    samples = load_samples(package)
    consistency = settings.consistency
    recorded = usable_recordings(
        tuple(sample.name for sample in samples),
        load_recorded(package),
        consistency.require,
        required=consistency.required,
    )
    recorded, warnings = trusted_recordings(recorded, consistency.max_tolerance, required=consistency.required)
    for warning in warnings:
        _LOG.warning(warning)
    if launched.reference is None:
        return Verifier(settings, samples, recorded, None), ()
    output = Output(launched.reference, "reference")
    copying = asyncio.create_task(output.copy())
    reference = reference_answers(launched.reference, output, folder)
    return Verifier(settings, samples, recorded, reference, warnings), (copying,)
