"""A PaddleService's spec as values: complete, checked, immutable."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeAlias


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
class PvcSource:
    """A directory of a claim; `path` is relative to the volume's root, "" is the root."""

    claim_name: str
    path: str


@dataclass(frozen=True, slots=True)
class HttpSource:
    """An archive on an HTTP server."""

    url: str


@dataclass(frozen=True, slots=True)
class ImageSource:
    """A directory of a container image; `path` is absolute."""

    reference: str
    path: str
    pull_policy: str


@dataclass(frozen=True, slots=True)
class ConfigMapSource:
    """A ConfigMap of the same namespace."""

    name: str


@dataclass(frozen=True, slots=True)
class S3Source:
    """Objects of an S3-compatible store. Empty text: Amazon's endpoint, the bucket's own region, no Secret, no CA."""

    uri: str
    endpoint: str
    region: str
    credentials_secret: str
    ca_config_map: str


Source: TypeAlias = PvcSource | HttpSource | S3Source | ImageSource | ConfigMapSource


@dataclass(frozen=True, slots=True)
class Model:
    """What is served. `digest` is sha256:<64 hex digits> of the package's manifest."""

    name: str
    digest: str
    source: Source


@dataclass(frozen=True, slots=True)
class Engine:
    """How the model is run.

    `workers` None means one per CPU of the limit (divided by the threads). `standby` keeps a process that has imported
    Paddle for the place of a worker that dies.
    """

    mode: EngineMode
    legacy_status: bool
    standby: bool
    workers: int | None
    threads_per_worker: int
    ir_optim: bool
    one_dnn: bool
    overrides: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Consistency:
    """What a pod must prove before it is Ready. The tolerances are None unless mode is Tolerance."""

    mode: ConsistencyMode
    rtol: float | None
    atol: float | None
    require: Require
    required: bool


@dataclass(frozen=True, slots=True)
class Rollout:
    """How traffic moves. `paused` holds the traffic where it is."""

    progress_deadline: timedelta
    revision_history_limit: int
    paused: bool


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
    disruption: Disruption
    drain: Drain
    pod: Pod
