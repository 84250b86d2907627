"""A worker's engine without its socket, which answers golden samples as fast as it can, told by lines on stdin.

    python -m paddle_serving_runtime.tuning OPTIONS

It writes a line of JSON when it has loaded and answered every sample (link/report.py), and one for each line that it
reads: `SECONDS REQUESTS` runs so many requests together, for so long. At the end of stdin it ends.
"""

import asyncio
import os
import resource
import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from paddle_serving_runtime import logs
from paddle_serving_runtime.consistency import Answer, values_to_answer
from paddle_serving_runtime.engine.interface import Engine
from paddle_serving_runtime.errors import ServiceBroken, ServingError
from paddle_serving_runtime.link import ledger
from paddle_serving_runtime.link.report import failed_line, loaded_line
from paddle_serving_runtime.package.contents import load_package
from paddle_serving_runtime.package.golden import load_samples
from paddle_serving_runtime.protocol import BadRequest, Limits, Response, parse_request
from paddle_serving_runtime.protocol.call import SERVICE, Call, Result
from paddle_serving_runtime.reference import Reference, write
from paddle_serving_runtime.tuning.options import ProbeOptions
from paddle_serving_runtime.words import one_line
from paddle_serving_runtime.worker.loading import load_engine

ANSWERS = "answers.json"
_KIB = 1024


def main() -> int:
    """Exit status 0 at the end of stdin, else that of the failure, which is also a line."""
    options = ProbeOptions.from_json(sys.argv[1])
    logs.configure("warning")
    # services print, and so does Paddle; the lines are for whoever has started this process
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        asyncio.run(_measure(options, lines.write))
    except ServingError as error:
        lines.write(failed_line(error))
        return error.exit_code
    return 0


async def _measure(options: ProbeOptions, tell: Any) -> None:  # noqa: ANN401 - what a raw file's write is
    ledger.create(Path(options.worker.ledger))
    samples = load_samples(load_package(Path(options.model_dir), options.computing.script))
    requests = {sample.name: _call(sample.name, sample.body) for sample in samples}
    loaded = load_engine(options.worker)
    answers = {name: await _answer(loaded.engine, name, call) for name, call in requests.items()}
    report = loaded.report
    write(Path(options.folder) / ANSWERS, Reference(report["paddleVersion"], report["device"], {}, answers))
    tell(loaded_line(report))
    while line := await asyncio.to_thread(sys.stdin.readline):
        seconds, together = line.split()
        tell(orjson.dumps(await _run(loaded.engine, tuple(requests.values()), float(seconds), int(together))) + b"\n")


def _call(name: str, body: bytes) -> Call:
    try:
        request = parse_request(body, Limits())
    except BadRequest as error:
        raise ServiceBroken(f"golden sample {name} is not a request: {error.message}. Correct it.") from None
    return Call(SERVICE, request.inputs, request.log_id)


async def _answer(engine: Engine, name: str, call: Call) -> Answer:
    (result,) = await _asked(engine, [Call(call.target, call.inputs, call.log_id, alone=True)])
    outcome = result.outcome
    if not isinstance(outcome, Response):
        said = getattr(outcome, "message", "") or one_line(outcome)
        raise ServiceBroken(
            f"golden sample {name} has no answer: {said.rstrip('.')}. Correct the sample or the service."
        )
    return {**values_to_answer(outcome.values), **outcome.tensors}


async def _asked(engine: Engine, calls: Sequence[Call]) -> list[Result]:
    """The result of every call, given to the engine at the same time."""
    results: list[Result] = []
    complete = asyncio.Event()

    def done(result: Result) -> None:
        results.append(result)
        if len(results) == len(calls):
            complete.set()

    for call in calls:
        engine.submit(call, done)
    await complete.wait()
    return results


async def _run(engine: Engine, calls: Sequence[Call], seconds: float, together: int) -> dict[str, Any]:
    """Requests, seconds of the clock and of CPU, the median time of a run, and the most memory until now."""
    alone = [Call(call.target, call.inputs, call.log_id, alone=True) for call in calls]
    following = cycle(alone if together == 1 else calls)
    times: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    while not times or time.perf_counter() - began < seconds:
        before = time.perf_counter()
        await _asked(engine, list(islice(following, together)))
        times.append(time.perf_counter() - before)
    return {
        "requests": len(times) * together,
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "p50": median(times),
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB,
    }


if __name__ == "__main__":
    sys.exit(main())
