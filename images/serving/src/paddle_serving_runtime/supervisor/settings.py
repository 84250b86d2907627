from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paddle_serving_runtime.link.options import EngineName
from paddle_serving_runtime.paddle_model.batching import Batching
from paddle_serving_runtime.paddle_model.computing import Computing
from paddle_serving_runtime.paddle_model.warmup import WarmShape
from paddle_serving_runtime.supervisor.allocator import SYSTEM, Allocator
from paddle_serving_runtime.verdict.backend import Choice
from paddle_serving_runtime.verdict.consistency import Consistency

MAX_REPLAY_REQUESTS = 1000
"""How many requests a pod may be told to keep."""

Sign = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Gives a report its signature."""


@dataclass(frozen=True)
class AccessFiles:
    """A certificate and its key (PEM), both None for no TLS; API keys, None where everybody may ask."""

    certificate: Path | None = None
    key: Path | None = None
    api_keys: Path | None = None


@dataclass(frozen=True)
class StableService:
    """Where the revision that serves now answers: its DNS name, the port of its front and that of its admin pages."""

    host: str
    http_port: int
    admin_port: int


@dataclass(frozen=True)
class ServeSettings:
    """Everything `serve` was told; times in seconds, `workers` already a number, `digest` empty where not given.

    `grpc_port` 0 means no gRPC; `standby` keeps a process ready for the place of a worker that dies; `legacy_status`
    is HTTP 200 for every error of the pipeline JSON protocol; `batching` is about runs that requests share, where
    config.yml has no batch_size. `image_digest` is that of the container's image, empty where nobody has said it.
    `recheck_interval` 0 means no recheck, `replay_buffer` is how many requests are kept with their answers, `stable`
    the revision to compare answers with. `allocator` allocates memory for workers and reference. `warmup` are shapes
    that each worker computes before it is Ready. `log_requests` is the share of requests that the log names,
    `log_payload_bytes` how much of what is in them it shows. `choice` is how a backend was chosen, None where Default
    was asked for. `access` says who may ask the front.
    """

    model_dir: Path
    name: str
    workers: int
    computing: Computing
    batching: Batching
    http_port: int
    grpc_port: int
    admin_port: int
    drain_delay: float
    drain_timeout: float
    request_timeout: float
    queue: int
    max_body_bytes: int
    digest: str
    consistency: Consistency
    log_level: str
    engine: EngineName
    legacy_status: bool
    standby: bool
    image_digest: str = ""
    sign: Sign | None = None
    recheck_interval: float = 0.0
    replay_buffer: int = 0
    stable: StableService | None = None
    allocator: Allocator = SYSTEM
    warmup: tuple[WarmShape, ...] = ()
    choice: Choice | None = None
    log_requests: float = 0.0
    log_payload_bytes: int = 0
    access: AccessFiles = AccessFiles()
