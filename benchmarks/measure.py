"""One load on one running server: latency, answers counted on both sides, CPU by process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import requests
from tritonclient.utils import InferenceServerException

from benchmarks import clients, load, payload
from benchmarks.cpu import by_role
from benchmarks.models import Model
from benchmarks.servers import Running, Server

ANSWERED = "paddle_serving_requests_total"
INFERENCE = "paddle_serving_inference_duration_seconds_sum"


def check(run: Running, model: Model, protocol: str, expected: Path) -> str:
    """How the answer that the protocol's own client gets compares with the expected tensors in a file.

    Raises WrongAnswerError where it is wrong, and where the client gets none.
    """
    try:
        answer = clients.ask(protocol, run.server.ports, model.service, model.inputs)
    except (grpc.RpcError, InferenceServerException, requests.RequestException, ValueError, OSError) as error:
        raise clients.WrongAnswerError(f"{protocol}: {' '.join(str(error).split())[:300]}") from error
    return clients.compare(protocol, answer, dict(np.load(expected)))


def port(server: Server, protocol: str) -> int:
    """The port of a protocol."""
    return server.ports[protocol in {payload.PIPELINE_GRPC, payload.OIP_GRPC}]


def cell(run: Running, model: Model, protocol: str, connections: int, seconds: float) -> dict[str, Any]:
    """One load with the CPU it took; `errors` also counts what only looked like a good answer to the load generator."""
    request = payload.build(protocol, model.service, model.inputs)
    return loaded(run, request, port(run.server, protocol), connections, seconds)


def loaded(run: Running, request: payload.Payload, to: int, connections: int, seconds: float) -> dict[str, Any]:
    """The same for a request to a port of the server."""
    with accounting(run) as used:
        figures = load.run(request, to, connections, seconds)
    row = figures.to_json()
    answered = used["answered"] if run.server.admin_port else figures.requests - figures.errors
    # what was under way when the time was over is answered or not, and in neither count
    row["errors"] = max(figures.errors, round(figures.requests - answered))
    row["cpu_ms"] = round(used["cpu"] / max(1, answered, figures.requests) * 1e3, 4)
    row["inference_ms"] = round(used["inference"] / max(1, answered) * 1e3, 4)
    row["cpu_ms_by_process"] = {
        name: round(value / max(1, answered, figures.requests) * 1e3, 4) for name, value in used["roles"].items()
    }
    return row


@contextmanager
def accounting(run: Running) -> Iterator[dict[str, Any]]:
    """Fills a dict with what the block used: CPU seconds, by role too, good answers, seconds of inference."""
    used: dict[str, Any] = {}
    answered, inference = run.settled(ANSWERED, 'code="200"'), run.metric(INFERENCE)
    roles, cpu = by_role(run.pids()), run.cpu_seconds()
    yield used
    used["cpu"] = run.cpu_seconds() - cpu
    used["roles"] = {name: value - roles.get(name, 0.0) for name, value in sorted(by_role(run.pids()).items())}
    used["answered"] = run.settled(ANSWERED, 'code="200"') - answered
    used["inference"] = run.metric(INFERENCE) - inference
