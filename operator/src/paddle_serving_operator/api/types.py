"""A PaddleService's spec as values: complete, checked, immutable."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from paddle_serving_operator.api.backend import Allocator, Backend
from paddle_serving_operator.api.batching import Batching
from paddle_serving_operator.api.security import Security
from paddle_serving_operator.api.sources import Source

DEFAULT_MAX_TOLERANCE = 0.05
"""The runtime's own default."""


class ConsistencyMode(StrEnum):
    """How served answers may differ from the reference."""

    EXACT = "Exact"
    TOLERANCE = "Tolerance"


class EngineMode(StrEnum):
    """What runs the service's Ops; the values are those of the runtime's --engine."""

    DIRECT = "direct"
    PIPELINE = "pipeline"


class Require(StrEnum):
    """What a pod's answers must have been compared with."""

    AUTO = "Auto"
    RECORDED = "Recorded"
    ENGINE_ONLY = "EngineOnly"


@dataclass(frozen=True, slots=True)
class Model:
    """What is served. `digest` is sha256:<64 hex digits> of the package's manifest."""

    name: str
    digest: str
    source: Source


@dataclass(frozen=True, slots=True)
class Engine:
    """How the model is run.

    `workers` None means one per CPU of the limit (divided by the threads). `standby` keeps a process ready for the
    place of a worker that dies. `warmup` are shapes as the runtime's --warmup takes them. `script` is the package's
    script with its arguments, empty for web_service.py.
    """

    mode: EngineMode
    backend: Backend
    legacy_status: bool
    standby: bool
    workers: int | None
    threads_per_worker: int
    ir_optim: bool
    one_dnn: bool
    allocator: Allocator
    batching: Batching
    warmup: tuple[str, ...]
    overrides: Mapping[str, str]
    script: str


@dataclass(frozen=True, slots=True)
class Consistency:
    """What a pod must prove before it is Ready. The tolerances are None unless mode is Tolerance.

    `max_tolerance` is the largest relative difference that a recorded tolerance may let pass. `recheck_interval` None:
    the proof is not repeated. `signing_key_secret` "": reports are not signed.
    """

    mode: ConsistencyMode
    rtol: float | None
    atol: float | None
    require: Require
    required: bool
    max_tolerance: float
    recheck_interval: timedelta | None
    signing_key_secret: str


class Strategy(StrEnum):
    """In which order pods and traffic move."""

    BLUE_GREEN = "BlueGreen"
    CANARY = "Canary"
    RECREATE = "Recreate"


class TrafficMode(StrEnum):
    """What makes the shares of a canary."""

    REPLICA_RATIO = "ReplicaRatio"
    GATEWAY = "Gateway"


class DriftMode(StrEnum):
    """What a difference from the answers of the revision that serves means. Ignore compares nothing."""

    IGNORE = "Ignore"
    REPORT = "Report"
    REQUIRE = "Require"


class DriftSamples(StrEnum):
    """What the candidate and the revision that serves are both asked."""

    GOLDEN = "Golden"
    REPLAY = "Replay"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a canary: its share in percent, and how long it is held; None: until a person resumes."""

    weight: int
    pause: timedelta | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the candidate's own metrics must show in a step, beside those of the stable revision; None: not looked at.

    `max_error_ratio`: failed requests of all. `max_latency_ratio`: p99 of the candidate over that of the stable one.
    """

    max_error_ratio: float | None
    max_latency_ratio: float | None
    min_requests: int
    interval: timedelta


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a candidate's answers may be from those of the revision that serves.

    `requests`: how many are replayed. `max_different`: how many of the samples may differ by more than the tolerances.
    """

    mode: DriftMode
    rtol: float
    atol: float
    samples: DriftSamples
    requests: int
    max_different: int


@dataclass(frozen=True, slots=True)
class Rollout:
    """How traffic moves. `paused` holds it where it is. `max_surge`, `max_unavailable`: pods, or a share as "25%"."""

    progress_deadline: timedelta
    revision_history_limit: int
    paused: bool
    strategy: Strategy
    steps: tuple[Step, ...]
    analysis: Analysis | None
    auto_rollback: bool
    max_surge: int | str
    max_unavailable: int | str
    drift: Drift


@dataclass(frozen=True, slots=True)
class Traffic:
    """What divides the traffic. `parent_refs` are those of an HTTPRoute."""

    mode: TrafficMode
    parent_refs: tuple[Mapping[str, Any], ...]
    hostnames: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Autoscaling:
    """Bounds of a HorizontalPodAutoscaler, and its goal, which is the one that is not None.

    `cpu_utilization` is in percent of the requests, `queue_seconds` the average time that a request waits for a worker.
    """

    min_replicas: int
    max_replicas: int
    cpu_utilization: int | None
    queue_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Disruption:
    """The budget of a node drain: pods, or a share such as "25%"."""

    enabled: bool
    max_unavailable: int | str


@dataclass(frozen=True, slots=True)
class Drain:
    """How a pod ends: how long it still takes requests, then how long it finishes them."""

    delay: timedelta
    timeout: timedelta


@dataclass(frozen=True, slots=True)
class Account:
    """Who pods are. `name` is an account of the user's, "" the operator's own, which alone has `annotations`."""

    name: str
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pod:
    """Where pods run and what they carry, in the API's own form where it is passed on as it is."""

    node_selector: Mapping[str, str]
    tolerations: tuple[Mapping[str, Any], ...]
    affinity: Mapping[str, Any]
    topology_spread_constraints: tuple[Mapping[str, Any], ...]
    priority_class_name: str | None
    image_pull_secrets: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    annotations: Mapping[str, str]
    labels: Mapping[str, str]
    account: Account


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A complete spec: every default is filled in. `limits` and `requests` override the profile's by name."""

    runtime: str
    image: str | None
    limits: Mapping[str, str]
    requests: Mapping[str, str]
    replicas: int
    model: Model
    engine: Engine
    consistency: Consistency
    rollout: Rollout
    traffic: Traffic
    autoscaling: Autoscaling | None
    disruption: Disruption
    drain: Drain
    security: Security
    pod: Pod
