from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paddle_serving_runtime.paddle_model.switches import Switches

REQUEST = "@DAGExecutor"
"""The name under which an Op sees the request: Paddle Serving 0.9.0 calls its RequestOp so."""


@dataclass(frozen=True)
class Node:
    """One Op of the graph and how its model runs.

    `op` is the user's instance, constructed but with init_op() not yet called; None for a plain model. `inputs` are
    names of other nodes, or REQUEST. `model_dir` is None for an Op without a model (no inference). `fetches` are the
    aliases to return, all of the model's outputs where empty. Times are in milliseconds, None where not limited.
    `retry` is the number of attempts, at least 1. `kept_shapes` is for how many shapes of inputs oneDNN keeps what it
    has prepared, 0 for as many as Paddle does by itself; no answer depends on it.
    """

    name: str
    op: Any | None
    inputs: tuple[str, ...]
    model_dir: Path | None
    switches: Switches
    fetches: tuple[str, ...]
    batch_size: int
    auto_batching_timeout_ms: float | None
    timeout_ms: float | None
    retry: int
    kept_shapes: int = 0


@dataclass(frozen=True)
class Graph:
    """The Ops of a service in topological order: `output` is the node whose result is the response.

    `service` is the name in web_service.py, empty for a plain model. `response_op` is the service's ResponseOp, None
    for a plain model; `request_op` its RequestOp where that unpacks requests in its own way. `warnings` are sentences
    about configuration that has no effect. `config` is the checked config.yml with every default filled in, empty for
    a plain model.
    """

    service: str
    nodes: tuple[Node, ...]
    output: str
    response_op: Any | None = None
    warnings: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    request_op: Any | None = None
