"""Command lines of the runtime. Every value is one element of a list; nothing is ever given to a shell."""

import math
import re
from datetime import timedelta

from paddle_serving_operator.api.backend import Allocator, Backend
from paddle_serving_operator.api.batching import DEFAULT_MAX_ROWS, BatchingMode
from paddle_serving_operator.api.security import Security
from paddle_serving_operator.api.sources import (
    BucketSource,
    ConfigMapSource,
    HttpSource,
    ImageSource,
    PvcSource,
    Source,
)
from paddle_serving_operator.api.types import (
    DEFAULT_MAX_TOLERANCE,
    Consistency,
    Drain,
    DriftSamples,
    Engine,
    EngineMode,
    Require,
    ServiceSpec,
)
from paddle_serving_operator.constants import ADMIN_PORT, GRPC_PORT, HTTP_PORT
from paddle_serving_operator.desired import names
from paddle_serving_operator.settings import ModelCache

MODELS = "/models"
SOURCE = "/source"
STORE = "/store"
CACHE = "/cache"
CA = "/ca"
CA_FILE = f"{CA}/ca.crt"
ACCOUNT = "/account"
ACCOUNT_KEY = "gcloud-application-credentials.json"
"""The key of a Secret with a Google service account, as KServe's Secrets have it."""
ACCOUNT_FILE = f"{ACCOUNT}/{ACCOUNT_KEY}"
REPLAYED = 1000
"""Requests that a pod keeps where live ones are to be replayed: the most that the runtime keeps."""
SIGNING = "/signing"
SIGNING_KEY = "ed25519.pem"
SIGNING_KEY_FILE = f"{SIGNING}/{SIGNING_KEY}"
TLS = "/tls"
TLS_CERTIFICATE, TLS_KEY = "tls.crt", "tls.key"
"""The keys of a Secret of type kubernetes.io/tls."""
API_KEYS = "/api-keys"
API_KEYS_KEY = "api-keys"

BY_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
REQUIRE = {Require.AUTO: "auto", Require.RECORDED: "recorded", Require.ENGINE_ONLY: "engine-only"}


def literal(text: str) -> str:
    """A value that reaches the process as it is: Kubernetes would replace $(NAME), and $$ by $."""
    return text.replace("$", "$$")


def serve(name: str, spec: ServiceSpec, image: str, folder: str = "") -> list[str]:
    """Arguments of the serving container of a PaddleService of this name, which runs `image`.

    `folder` is where the package lies in the volume of models: an absolute path, "" for its root.
    """
    arguments = [
        "serve",
        "--model-dir",
        f"{MODELS}{folder}".rstrip("/"),
        "--name",
        spec.model.name,
        "--digest",
        spec.model.digest,
        *_engine(spec.engine),
        "--http-port",
        str(HTTP_PORT),
        "--grpc-port",
        str(GRPC_PORT),
        "--admin-port",
        str(ADMIN_PORT),
        *_drain(spec.drain),
        *_consistency(spec.consistency),
        *_access(spec.security),
        # also where nothing is compared: a change of spec.rollout must not make a new revision
        "--stable-service",
        names.stable_service(name),
        *(["--image-digest", image] if BY_DIGEST.search(image) else []),  # nothing in a container knows it
        *(["--replay-buffer", str(REPLAYED)] if spec.rollout.drift.samples is DriftSamples.REPLAY else []),
    ]
    return [literal(argument) for argument in arguments]


def fetch(spec: ServiceSpec, cache: ModelCache | None) -> list[str]:
    """Arguments of the container that copies the package and checks its digest."""
    arguments = ["fetch", *_source(spec.model.source), "--digest", spec.model.digest, "--output", MODELS]
    if cache is not None:
        arguments += ["--cache", CACHE, "--cache-limit", str(cache.limit)]
    return [literal(argument) for argument in arguments]


def copy_from_image(source: ImageSource) -> list[str]:
    """Command of the model image's own container: copies its package to where `fetch` reads it."""
    return ["cp", "-R", literal(f"{source.path.rstrip('/')}/."), f"{STORE}/"]


def _source(source: Source) -> list[str]:
    match source:
        case PvcSource(path=path):
            return ["--from-dir", f"{SOURCE}/{path}".rstrip("/")]
        case HttpSource(url=url):
            return ["--from-http", url]
        case BucketSource():
            return _bucket(source)
        case ImageSource():
            return ["--from-dir", STORE]
        case ConfigMapSource():
            return ["--from-config-map", SOURCE]


def _bucket(source: BucketSource) -> list[str]:
    given = [("--s3-endpoint", source.endpoint), ("--s3-region", source.region)]
    return [
        "--from-s3",
        source.uri,
        *[part for flag, value in given if value for part in (flag, value)],
        *(["--s3-ca", CA_FILE] if source.ca_config_map else []),
    ]


def _engine(engine: Engine) -> list[str]:
    overrides = [f"{key}={value}" for key, value in sorted(engine.overrides.items())]
    return [
        "--engine",
        engine.mode.value,
        "--legacy-status",
        _boolean(value=engine.legacy_status),
        "--workers",
        "auto" if engine.workers is None else str(engine.workers),
        "--threads-per-worker",
        str(engine.threads_per_worker),
        "--ir-optim",
        _boolean(value=engine.ir_optim),
        "--onednn",
        _boolean(value=engine.one_dnn),
        # what is the runtime's default is not said: a new flag must not make a new revision of every service
        *([] if engine.backend is Backend.DEFAULT else ["--backend", engine.backend.value]),
        *([] if engine.standby else ["--standby", _boolean(value=False)]),
        *([] if engine.allocator is Allocator.TCMALLOC else ["--allocator", engine.allocator.value]),
        *_batching(engine),
        *(["--warmup", *engine.warmup] if engine.warmup else []),
        *(["--script", engine.script] if engine.script else []),
        *(["--overrides", *overrides] if overrides else []),
    ]


def _batching(engine: Engine) -> list[str]:
    """As above: nothing where it is the runtime's default, which is off for Paddle Serving's own engine."""
    batching = engine.batching
    if batching.mode is BatchingMode.OFF:
        return [] if engine.mode is EngineMode.PIPELINE else ["--batching", batching.mode.value]
    if (batching.max_rows, batching.wait_milliseconds) == (DEFAULT_MAX_ROWS, 0):
        return []
    wait = f",{batching.wait_milliseconds / 1000:g}" if batching.wait_milliseconds else ""
    return ["--batching", f"{batching.max_rows}{wait}"]


def _drain(drain: Drain) -> list[str]:
    return ["--drain-delay", seconds(drain.delay), "--drain-timeout", seconds(drain.timeout)]


def _consistency(consistency: Consistency) -> list[str]:
    tolerances = [("--rtol", consistency.rtol), ("--atol", consistency.atol)]
    limit, interval = consistency.max_tolerance, consistency.recheck_interval
    return [
        "--consistency",
        consistency.mode.value.lower(),
        *[part for flag, value in tolerances if value is not None for part in (flag, repr(value))],
        "--require",
        REQUIRE[consistency.require],
        "--consistency-required",
        _boolean(value=consistency.required),
        # as above: the default is not said
        *(["--max-tolerance", repr(limit)] if limit != DEFAULT_MAX_TOLERANCE else []),
        *(["--recheck-interval", seconds(interval)] if interval is not None else []),
        *(["--signing-key", SIGNING_KEY_FILE] if consistency.signing_key_secret else []),
    ]


def _access(security: Security) -> list[str]:
    """As above: nothing where it is off."""
    return [
        *(
            ["--tls-certificate", f"{TLS}/{TLS_CERTIFICATE}", "--tls-key", f"{TLS}/{TLS_KEY}"]
            if security.tls_secret
            else []
        ),
        *(["--api-key-file", f"{API_KEYS}/{API_KEYS_KEY}"] if security.api_key_secret else []),
    ]


def _boolean(*, value: bool) -> str:
    return "true" if value else "false"


def seconds(duration: timedelta) -> str:
    """Whole seconds; durations of the spec have no smaller unit."""
    return str(math.ceil(duration.total_seconds()))
