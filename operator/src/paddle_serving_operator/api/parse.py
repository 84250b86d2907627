"""From the JSON of `spec` to a ServiceSpec. The CRD's schema refuses most mistakes earlier; this is the second line."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from paddle_serving_operator.api.backend import Allocator, Backend
from paddle_serving_operator.api.batching import parse_batching
from paddle_serving_operator.api.fields import DNS_LABEL, DNS_SUBDOMAIN, Fields
from paddle_serving_operator.api.parse_rollout import (
    parse_autoscaling,
    parse_missing,
    parse_rollout_spec,
    parse_traffic,
)
from paddle_serving_operator.api.parse_source import parse_source
from paddle_serving_operator.api.security import parse_security
from paddle_serving_operator.api.types import (
    DEFAULT_MAX_TOLERANCE,
    Account,
    Consistency,
    ConsistencyMode,
    Disruption,
    Drain,
    Engine,
    EngineMode,
    Model,
    Pod,
    Require,
    ServiceSpec,
)
from paddle_serving_operator.api.warmup import parse_warmup
from paddle_serving_operator.constants import Key
from paddle_serving_operator.quantity import parse_quantity

DIGEST = r"sha256:[0-9a-f]{64}"
QUANTITY = r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?"
OVERRIDE_KEY = r"[A-Za-z_@][A-Za-z0-9_.@-]*"
SCRIPT = r"(?s)[^-\s].*"
ENV_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
RESOURCES = ("cpu", "memory", "nvidia.com/gpu")
KEY_HINT = "Give the name of a Secret of the same namespace with the key ed25519.pem."
SHORTEST_RECHECK = timedelta(seconds=10)
MAX_REPLICAS = 10_000
MAX_WORKERS = 64


def parse_spec(key: Key, raw: object) -> ServiceSpec:
    """The spec of a PaddleService with every default filled in. Raises SpecError with the field's path."""
    with Fields(key, "spec", {} if raw is None else raw) as fields:
        with fields.object("resources") as resources:
            limits, requests = _quantities(resources, "limits"), _quantities(resources, "requests")
        return ServiceSpec(
            runtime=fields.text("runtime", default="cpu"),
            image=fields.optional_text("image"),
            limits=limits,
            requests=requests,
            replicas=parse_replicas(fields),
            model=_model(key, fields),
            engine=_engine(fields),
            consistency=_consistency(fields),
            rollout=parse_rollout_spec(fields),
            traffic=parse_traffic(fields),
            autoscaling=parse_autoscaling(fields),
            disruption=parse_disruption(fields),
            drain=_drain(fields),
            security=parse_security(fields),
            pod=_pod(fields),
        )


def parse_replicas(spec: Fields) -> int:
    """How many pods. Raises SpecError."""
    return spec.whole("replicas", 1, 0, MAX_REPLICAS)


def _quantities(resources: Fields, field: str) -> Mapping[str, str]:
    with resources.object(field) as fields:
        hint = 'Give a quantity such as "2", 500m or 2Gi.'
        given = {name: fields.any_of(name) for name in RESOURCES if fields.has(name)}
        for name, value in given.items():
            if isinstance(value, bool) or not isinstance(value, int):
                fields.text(name, pattern=QUANTITY, hint=hint)
        for name, value in given.items():
            amount = parse_quantity(str(value))
            if amount is None or amount < 0:
                raise fields.error(name, f"is {value!r}. {hint}")
            if amount == 0 and field == "limits":  # Kubernetes takes 0 for no limit at all
                raise fields.error(name, f"is {value!r}, which is no limit. Give more than 0, or leave it out.")
        return MappingProxyType({name: str(value) for name, value in given.items()})


def _model(key: Key, spec: Fields) -> Model:
    if not spec.has("model"):
        raise spec.error("model", "is missing. Give digest and source of the model package.")
    with spec.object("model") as fields:
        return Model(
            name=fields.text(
                "name", default=key.name, pattern=DNS_LABEL, hint="Use lower-case letters, digits and -, at most 63."
            ),
            digest=fields.text(
                "digest",
                pattern=DIGEST,
                hint="Run `paddle-serving-runtime digest DIR` on the copy you trust and give its result, "
                "sha256: and 64 hex digits.",
            ),
            source=parse_source(fields),
        )


def _engine(spec: Fields) -> Engine:
    with spec.object("engine") as fields:
        mode = EngineMode(fields.choice("mode", EngineMode.DIRECT, tuple(EngineMode)))
        backend = Backend(fields.choice("backend", Backend.DEFAULT, tuple(Backend)))
        if mode is EngineMode.PIPELINE and backend is not Backend.DEFAULT:
            raise fields.error("backend", f"is {backend}, which needs mode direct. Change the mode, or use Default.")
        return Engine(
            mode=mode,
            backend=backend,
            legacy_status=fields.boolean("legacyStatus", default=False),
            standby=fields.boolean("standby", default=True),
            workers=fields.integer("workers", None, 1, MAX_WORKERS),
            threads_per_worker=fields.whole("threadsPerWorker", 1, 1, MAX_WORKERS),
            ir_optim=fields.boolean("irOptim", default=True),
            one_dnn=fields.boolean("oneDNN", default=True),
            allocator=Allocator(fields.choice("allocator", Allocator.TCMALLOC, tuple(Allocator))),
            batching=parse_batching(fields, has_runs=mode is EngineMode.DIRECT),
            warmup=parse_warmup(fields, has_models=mode is EngineMode.DIRECT),
            overrides=fields.texts(
                "overrides", OVERRIDE_KEY, "A key is a path into config.yml such as op.rec.concurrency."
            ),
            script=fields.text("script", "", SCRIPT, "Name a file of the package, followed by its arguments."),
        )


def _consistency(spec: Fields) -> Consistency:
    with spec.object("consistency") as fields:
        mode = ConsistencyMode(fields.choice("mode", "Exact", tuple(ConsistencyMode)))
        rtol, atol = fields.number("rtol"), fields.number("atol")
        if mode is ConsistencyMode.EXACT and not (rtol is None and atol is None):
            raise fields.error(
                "rtol" if rtol is not None else "atol", "belongs to mode Tolerance. Remove it or change the mode."
            )
        if mode is ConsistencyMode.TOLERANCE and rtol is None and atol is None:
            raise fields.error("mode", "is Tolerance, but no tolerance is given. Give rtol, atol or both.")
        given = fields.number("maxTolerance")
        limit = DEFAULT_MAX_TOLERANCE if given is None else given
        if limit > 1:
            raise fields.error("maxTolerance", f"is {limit:g}. Use a number from 0 to 1.")
        return Consistency(
            mode=mode,
            rtol=rtol,
            atol=atol,
            require=Require(fields.choice("require", "Auto", tuple(Require))),
            required=fields.boolean("required", default=True),
            max_tolerance=limit,
            recheck_interval=_recheck(fields),
            signing_key_secret=fields.text("signingKeySecret", "", rf"({DNS_SUBDOMAIN})?", KEY_HINT),
        )


def _recheck(fields: Fields) -> timedelta | None:
    if not fields.has("recheckInterval"):
        return None
    interval = fields.duration("recheckInterval", "0s")
    if interval < SHORTEST_RECHECK:
        raise fields.error("recheckInterval", "is less than 10s. Remove it, or give 10s or more.")
    return interval


def parse_disruption(spec: Fields) -> Disruption:
    """The budget of a node drain. Raises SpecError."""
    with spec.object("disruption") as fields:
        allowed = parse_missing(fields, 1)
        return Disruption(enabled=fields.boolean("enabled", default=True), max_unavailable=allowed)


def _drain(spec: Fields) -> Drain:
    with spec.object("drain") as fields:
        return Drain(delay=fields.duration("delay", "5s"), timeout=fields.duration("timeout", "20s"))


def _pod(spec: Fields) -> Pod:
    with spec.object("pod") as fields:
        return Pod(
            node_selector=fields.texts("nodeSelector"),
            tolerations=_passed_on(fields, "tolerations"),
            affinity=fields.raw_object("affinity"),
            topology_spread_constraints=_passed_on(fields, "topologySpreadConstraints"),
            priority_class_name=fields.optional_text("priorityClassName"),
            image_pull_secrets=tuple(_named(item) for item in fields.items("imagePullSecrets")),
            env=tuple(_variable(item) for item in fields.items("env")),
            annotations=fields.texts("annotations"),
            labels=fields.texts("labels"),
            account=parse_account(fields),
        )


def parse_account(pod: Fields) -> Account:
    """Who pods are. Raises SpecError."""
    with pod.object("serviceAccount") as fields:
        hint = "Give the name of a ServiceAccount of the same namespace."
        name = fields.text("name", default="", pattern=rf"({DNS_SUBDOMAIN})?", hint=hint)
        annotations = fields.texts("annotations")
        if name and annotations:
            raise fields.error("annotations", f"are for the operator's own account. Write them on {name} yourself.")
        return Account(name, annotations)


def _passed_on(fields: Fields, field: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(item.raw() for item in fields.items(field))


def _named(item: Fields) -> str:
    with item:
        return item.text("name", hint="Name the Secret.")


def _variable(item: Fields) -> tuple[str, str]:
    with item:
        name = item.text("name", pattern=ENV_NAME, hint="Use letters, digits and _, not starting with a digit.")
        return name, item.text("value", hint="Give a string.")
