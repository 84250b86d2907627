"""From the JSON of `spec` to a ServiceSpec. The CRD's schema refuses most mistakes earlier; this is the second line."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from paddle_serving_operator.api.backend import Backend
from paddle_serving_operator.api.batching import parse_batching
from paddle_serving_operator.api.fields import Fields
from paddle_serving_operator.api.parse_rollout import parse_autoscaling, parse_rollout_spec, parse_traffic
from paddle_serving_operator.api.types import (
    DEFAULT_MAX_TOLERANCE,
    Account,
    Allocator,
    ConfigMapSource,
    Consistency,
    ConsistencyMode,
    Disruption,
    Drain,
    Engine,
    EngineMode,
    HttpSource,
    ImageSource,
    Model,
    Pod,
    PvcSource,
    Require,
    S3Source,
    ServiceSpec,
    Source,
)
from paddle_serving_operator.constants import Key
from paddle_serving_operator.quantity import parse_quantity

DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
DNS_SUBDOMAIN = rf"(?=.{{1,253}}$){DNS_LABEL}(\.{DNS_LABEL})*"
DIGEST = r"sha256:[0-9a-f]{64}"
QUANTITY = r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?"
OVERRIDE_KEY = r"[A-Za-z_@][A-Za-z0-9_.@-]*"
SCRIPT = r"(?s)[^-\s].*"
S3_URI = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.\.(/|$))[^\s/]+)*/?"
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
            source=_source(fields),
        )


def _source(model: Fields) -> Source:
    with model.object("source") as fields:
        given = [name for name in SOURCES if fields.has(name)]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise fields.error("", f"has {found}. Give exactly one of {', '.join(SOURCES)}.")
        with fields.object(given[0]) as source:
            return SOURCES[given[0]](source)


def _pvc(fields: Fields) -> Source:
    path = fields.text("path", default="")
    if path.startswith("/") or ".." in path.split("/"):
        raise fields.error(
            "path",
            f"is {path!r}. Give a directory relative to the root of the volume, without a leading / and without ..",
        )
    return PvcSource(claim_name=fields.text("claimName", hint="Name the PersistentVolumeClaim."), path=path)


def _http(fields: Fields) -> Source:
    return HttpSource(
        url=fields.text(
            "url", pattern=r"https?://[^\s/@]+(/\S*)?", hint="Give an http:// or https:// address without a password."
        )
    )


def _s3(fields: Fields) -> Source:
    return S3Source(
        uri=fields.text("uri", pattern=S3_URI, hint="Give s3://<bucket>/<folder or archive>, without .."),
        endpoint=fields.text(
            "endpoint",
            default="",
            pattern=r"(https?://[^\s/@?#]+/?)?",
            hint="Give an http:// or https:// address of the store alone, without path and password.",
        ),
        region=fields.text("region", default="", pattern=r"[A-Za-z0-9-]*", hint="Give a region such as eu-west-1."),
        credentials_secret=fields.text("credentialsSecret", default=""),
        ca_config_map=fields.text("caConfigMap", default=""),
    )


def _image(fields: Fields) -> Source:
    path = fields.text("path", default="/model")
    if not path.startswith("/") or ".." in path.split("/"):
        raise fields.error("path", f"is {path!r}. Give an absolute directory of the image, without ..")
    return ImageSource(
        reference=fields.text("reference", hint="Give the image that carries the package."),
        path=path,
        pull_policy=fields.choice("pullPolicy", "IfNotPresent", ("Always", "IfNotPresent", "Never")),
    )


def _config_map(fields: Fields) -> Source:
    return ConfigMapSource(name=fields.text("name", hint="Name the ConfigMap."))


SOURCES = MappingProxyType({"pvc": _pvc, "http": _http, "s3": _s3, "image": _image, "configMap": _config_map})


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
        share = fields.any_of("maxUnavailable")
        value: int | str
        if isinstance(share, str):
            value = fields.text(
                "maxUnavailable", pattern="[0-9]+%", hint="Use a number of pods or a share such as 25%."
            )
        else:
            value = fields.whole("maxUnavailable", 1, 0, MAX_REPLICAS)
        return Disruption(enabled=fields.boolean("enabled", default=True), max_unavailable=value)


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
