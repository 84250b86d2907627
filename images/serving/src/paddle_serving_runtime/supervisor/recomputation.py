"""The proof of a package once more, with one worker and without a front: nothing is served."""

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from paddle_serving_runtime.errors import NotConsistent, ServingError
from paddle_serving_runtime.evidence.comparisons import Evidence
from paddle_serving_runtime.evidence.report import Proof
from paddle_serving_runtime.link.report import read_line
from paddle_serving_runtime.package.contents import load_package
from paddle_serving_runtime.package.golden import load_samples
from paddle_serving_runtime.supervisor.children import Children, kill
from paddle_serving_runtime.supervisor.launch import WorkerProcess, launch
from paddle_serving_runtime.supervisor.origin import completed, origin_of
from paddle_serving_runtime.supervisor.output import Output
from paddle_serving_runtime.supervisor.settings import ServeSettings
from paddle_serving_runtime.supervisor.verifier import Unanswered, Verifier
from paddle_serving_runtime.supervisor.verifying import prepare_verifier


async def recompute(settings: ServeSettings, folder: Path) -> Proof:
    """What a worker with these settings proves, whether it is right or not; `folder` is for sockets, and stays.

    Raises the ServingError of a package that cannot be loaded, or that does not answer.
    """
    children = Children()
    helpers: tuple[asyncio.Task[None], ...] = ()
    try:
        launched = await launch(settings, children, folder)
        verifier, helpers = prepare_verifier(settings, launched, folder)
        (worker,) = launched.workers
        output = Output(worker.process, "worker")
        helpers = (*helpers, asyncio.create_task(output.copy()))
        loaded = await _loaded(worker, output)
        with contextlib.suppress(NotConsistent):  # the evidence has it
            await _verify(verifier, worker, output)
        return Proof(
            origin=completed(origin_of(settings), verifier.reference, loaded),
            evidence=verifier.evidence,
            samples=verifier.samples,
            recorded=verifier.recorded,
            workers=1,
            consistency=settings.consistency.as_json(),
            warnings=[*loaded["warnings"], *verifier.warnings],
        )
    finally:
        for helper in helpers:
            helper.cancel()
        for child in children.running():
            kill(child)
            await child.wait()


def golden_only(proof: Proof, settings: ServeSettings) -> Proof:
    """The proof without the sample that was derived: `check` does not ask an endpoint for it."""
    names = {sample.name for sample in load_samples(load_package(settings.model_dir, settings.computing.script))}
    evidence = Evidence(
        {key: found for key, found in proof.evidence.comparisons.items() if key[0] in names},
        {key: digest for key, digest in proof.evidence.answers.items() if key[0] in names},
        proof.evidence.differences,
    )
    return replace(proof, evidence=evidence)


async def _loaded(worker: WorkerProcess, output: Output) -> dict[str, Any]:
    """What a worker tells when it has loaded. Raises the ServingError of one that has not."""
    line = await worker.report.readline()
    if not line:
        status = await worker.process.wait()
        raise ServingError("WorkerFailed", f"a worker ended with status {status} while it loaded: {output.last_words}.")
    return read_line(line)


async def _verify(verifier: Verifier, worker: WorkerProcess, output: Output) -> None:
    try:
        await verifier.verify(worker.socket, asyncio.ensure_future(worker.process.wait()))
    except Unanswered as error:
        how = "in time" if error.late else f"and ended: {output.last_words}"
        raise ServingError("WorkerFailed", f"a worker did not answer golden sample {error.sample} {how}.") from None
