from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from paddle_serving_runtime.worker.options import EngineName

Require = Literal["recorded", "engine-only", "auto"]


@dataclass(frozen=True)
class Consistency:
    """How answers are compared: `exact` bit for bit, else within (rtol, atol); `required` lets a difference end it."""

    exact: bool
    rtol: float
    atol: float
    require: Require
    required: bool


@dataclass(frozen=True)
class ServeSettings:
    """Everything `serve` was told; times in seconds, `workers` already a number, `digest` empty where not given.

    `grpc_port` 0 means no gRPC; `standby` keeps a process ready for the place of a worker that dies; `legacy_status`
    is HTTP 200 for every error of the pipeline JSON protocol.
    """

    model_dir: Path
    name: str
    workers: int
    threads: int
    ir_optim: bool
    onednn: bool
    overrides: tuple[tuple[str, str], ...]
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
    device: str = "cpu"
