"""The pod of a revision, as a plain dict."""

import json
import math
from collections.abc import Mapping
from typing import Any

from paddle_serving_operator.api.sources import (
    BucketSource,
    ConfigMapSource,
    HttpSource,
    ImageSource,
    PvcSource,
    Source,
)
from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.constants import (
    ADMIN_PORT,
    ANNOTATION_ACCOUNT,
    GRPC_PORT,
    HTTP_PORT,
    LABEL_REVISION,
    LABEL_SERVICE,
    MODELS_VOLUME,
    Manifest,
)
from paddle_serving_operator.desired import arguments, buckets, names
from paddle_serving_operator.quantity import smaller
from paddle_serving_operator.settings import ModelCache, Profile

USER = 65532
SPARE_SECONDS = 5  # between the end of the drain and the kubelet's SIGKILL
STARTUP_SECONDS = 3600  # a large model may load for long; the progress deadline tells the user earlier
FETCH_NEEDS = ("cpu", "memory", "ephemeral-storage")  # of all that a serving container has; no GPU
HTTP_TOKEN = "HTTP_TOKEN"  # noqa: S105 - the name of a variable
CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsGroup": USER,
    "runAsNonRoot": True,
    "runAsUser": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod_template(name: str, spec: ServiceSpec, profile: Profile) -> Manifest:
    """Metadata and spec of the pods, without the revision label: the revision is the hash of this."""
    metadata: Manifest = {"labels": dict(spec.pod.labels) | names.labels(name)}
    annotations = dict(spec.pod.annotations)
    if identity := spec.pod.account.annotations:  # so that another identity is another revision
        annotations[ANNOTATION_ACCOUNT] = json.dumps(dict(identity), sort_keys=True)
    if annotations:
        metadata["annotations"] = annotations
    return {"metadata": metadata, "spec": _pod_spec(name, spec, profile)}


def _pod_spec(name: str, spec: ServiceSpec, profile: Profile) -> Manifest:
    image = spec.image or profile.image
    fetching = [*_model_container(spec, profile), _fetch_container(spec, profile, image)]
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "serviceAccountName": spec.pod.account.name or names.service_account(name),
        "terminationGracePeriodSeconds": math.ceil((spec.drain.delay + spec.drain.timeout).total_seconds())
        + SPARE_SECONDS,
        "securityContext": {
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "runAsGroup": USER,
            "runAsNonRoot": True,
            "runAsUser": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **({} if _mounted_image(spec, profile) else {"initContainers": fetching}),
        "containers": [_serve_container(name, spec, profile, image)],
        "volumes": [*_volumes(spec, profile), *_cache_volume(_cache(spec, profile))],
        **_placement(name, spec, profile),
    }


def _mounted_image(spec: ServiceSpec, profile: Profile) -> ImageSource | None:
    """The model image that is mounted as it is; `serve` verifies its files as those that are fetched.

    Nobody can change a mounted image, while a claim may change between its verification and its use.
    """
    source = spec.model.source
    return source if profile.image_volumes and isinstance(source, ImageSource) else None


def _model_container(spec: ServiceSpec, profile: Profile) -> list[Manifest]:
    source = spec.model.source
    if not isinstance(source, ImageSource):
        return []
    return [
        {
            "name": "model",
            "image": source.reference,
            "imagePullPolicy": source.pull_policy,
            "command": arguments.copy_from_image(source),
            "resources": _fetch_resources(spec, profile),
            "securityContext": CONTAINER_SECURITY,
            "terminationMessagePolicy": "FallbackToLogsOnError",  # it is `cp`, which writes no termination message
            "volumeMounts": [{"name": "store", "mountPath": arguments.STORE}],
        }
    ]


def _fetch_container(spec: ServiceSpec, profile: Profile, image: str) -> Manifest:
    mounts: list[Manifest] = [
        {"name": MODELS_VOLUME, "mountPath": arguments.MODELS},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the volume
    ]
    match spec.model.source:
        case ImageSource():
            mounts.append({"name": "store", "mountPath": arguments.STORE, "readOnly": True})
        case PvcSource() | ConfigMapSource():
            mounts.append({"name": "source", "mountPath": arguments.SOURCE, "readOnly": True})
        case BucketSource() as bucket:
            mounts += buckets.mounts(bucket)
        case HttpSource():
            pass
    if cache := _cache(spec, profile):
        mounts.append({"name": "cache", "mountPath": arguments.CACHE})
    container: Manifest = {
        "name": "fetch",
        "image": image,
        "imagePullPolicy": profile.image_pull_policy,
        "args": arguments.fetch(spec, cache),
        "resources": _fetch_resources(spec, profile),
        "securityContext": CONTAINER_SECURITY,
        "terminationMessagePolicy": "File",
        "volumeMounts": mounts,
    }
    if variables := _credentials(spec.model.source):
        container["env"] = variables
    return container


def _cache(spec: ServiceSpec, profile: Profile) -> ModelCache | None:
    """For what comes over the network: an image is on its node already, a volume and a ConfigMap are near."""
    return profile.cache if isinstance(spec.model.source, HttpSource | BucketSource) else None


def _credentials(source: Source) -> list[Manifest]:
    """The variables that say who fetches."""
    match source:
        case BucketSource():
            return buckets.variables(source)
        case HttpSource(credentials_secret=secret) if secret:
            return [buckets.from_secret(secret, HTTP_TOKEN)]
        case _:
            return []


def _serve_container(name: str, spec: ServiceSpec, profile: Profile, image: str) -> Manifest:
    variables = dict(profile.env) | dict(spec.pod.env)
    mounted = _mounted_image(spec, profile)
    container: Manifest = {
        "name": "serve",
        "image": image,
        "imagePullPolicy": profile.image_pull_policy,
        "args": arguments.serve(name, spec, image, mounted.path if mounted else ""),
        "ports": [
            {"name": "http", "containerPort": HTTP_PORT},
            {"name": "grpc", "containerPort": GRPC_PORT},
            {"name": "admin", "containerPort": ADMIN_PORT},
        ],
        "resources": _resources(spec, profile),
        "securityContext": CONTAINER_SECURITY,
        "terminationMessagePolicy": "File",
        # every second: start-up time is a promise; the probes cost the supervisor microseconds
        "startupProbe": _probe("/startupz", period=1, timeout=2, failures=STARTUP_SECONDS),
        "readinessProbe": _probe("/readyz", period=1, timeout=2, failures=3),
        "livenessProbe": _probe("/livez", period=10, timeout=5, failures=3),
        "volumeMounts": [
            {"name": MODELS_VOLUME, "mountPath": arguments.MODELS, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the volume
            {"name": "run", "mountPath": "/run"},
            *({"name": name, "mountPath": path, "readOnly": True} for name, (path, _, _) in _secrets(spec).items()),
        ],
    }
    if variables:
        container["env"] = [{"name": name, "value": arguments.literal(value)} for name, value in variables.items()]
    return container


def _secrets(spec: ServiceSpec) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """By the name of its volume, where each Secret of the serving container lies, its own name, and its keys."""
    named = {
        "signing": (arguments.SIGNING, spec.consistency.signing_key_secret, (arguments.SIGNING_KEY,)),
        "tls": (arguments.TLS, spec.security.tls_secret, (arguments.TLS_CERTIFICATE, arguments.TLS_KEY)),
        "api-keys": (arguments.API_KEYS, spec.security.api_key_secret, (arguments.API_KEYS_KEY,)),
    }
    return {name: found for name, found in named.items() if found[1]}


def _resources(spec: ServiceSpec, profile: Profile) -> Manifest:
    limits = dict(profile.limits) | dict(spec.limits)
    requests = dict(profile.requests) | dict(spec.requests)
    gpu = "nvidia.com/gpu"
    if gpu in limits:
        requests[gpu] = limits[gpu]  # the API server demands that they are equal
    for name, limit in limits.items():
        if name in requests and name not in spec.requests:
            requests[name] = smaller(requests[name], limit)  # the user lowered the limit below the profile's request
    return {"limits": limits} | ({"requests": requests} if requests else {})


def _fetch_resources(spec: ServiceSpec, profile: Profile) -> Manifest:
    """The serving container's own: what a quota or LimitRange lets serve, it lets fetch, and fetching costs no more.

    A profile may give others, which spec.resources.limits still bounds.
    """
    serving = _resources(spec, profile)
    limits, requests = (
        {name: value for name, value in serving.get(kind, {}).items() if name in FETCH_NEEDS}
        for kind in ("limits", "requests")
    )
    limits |= {name: smaller(value, spec.limits.get(name, value)) for name, value in profile.fetch_limits.items()}
    requests |= profile.fetch_requests
    requests = {name: smaller(value, limits.get(name, value)) for name, value in requests.items()}
    return {"limits": limits} | ({"requests": requests} if requests else {})


def _probe(path: str, period: int, timeout: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "admin"},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }


def _volumes(spec: ServiceSpec, profile: Profile) -> list[Manifest]:
    mounted = _mounted_image(spec, profile)
    image = {"image": {"reference": mounted.reference, "pullPolicy": mounted.pull_policy}} if mounted else None
    volumes: list[Manifest] = [
        {"name": MODELS_VOLUME, **(image or {"emptyDir": {}})},
        {"name": "tmp", "emptyDir": {}},
        {"name": "run", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
    ]
    for name, (_, secret, keys) in _secrets(spec).items():  # optional: without it the runtime ends and says so
        items = [{"key": key, "path": key} for key in keys]
        source = {"secretName": secret, "items": items, "defaultMode": 0o440, "optional": True}
        volumes.append({"name": name, "secret": source})
    match spec.model.source:
        case PvcSource(claim_name=claim):
            volumes.append({"name": "source", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}})
        case ImageSource():
            volumes += [] if mounted else [{"name": "store", "emptyDir": {}}]
        case ConfigMapSource(name=config_map):
            # optional, because a pod that waits for a missing ConfigMap says so nowhere in its status; fetch does
            volumes.append({"name": "source", "configMap": {"name": config_map, "optional": True}})
        case BucketSource() as bucket:
            volumes += buckets.volumes(bucket)
        case HttpSource():
            pass
    return volumes


def _cache_volume(cache: ModelCache | None) -> list[Manifest]:
    if cache is None:
        return []
    if cache.claim:
        return [{"name": "cache", "persistentVolumeClaim": {"claimName": cache.claim}}]
    # `Directory`, because one that the kubelet makes belongs to root and nobody could write into it
    return [{"name": "cache", "hostPath": {"path": cache.host_path, "type": "Directory"}}]


def _placement(name: str, spec: ServiceSpec, profile: Profile) -> Manifest:
    pod = spec.pod
    fields: Mapping[str, Any] = {
        "runtimeClassName": profile.runtime_class_name,
        "nodeSelector": dict(profile.node_selector) | dict(pod.node_selector),
        "tolerations": [dict(toleration) for toleration in (*profile.tolerations, *pod.tolerations)],
        "affinity": dict(pod.affinity),
        "topologySpreadConstraints": [_spread(name, constraint) for constraint in pod.topology_spread_constraints],
        "priorityClassName": pod.priority_class_name,
        "imagePullSecrets": [{"name": secret} for secret in pod.image_pull_secrets],
    }
    return {field: value for field, value in fields.items() if value}


def _spread(name: str, constraint: Mapping[str, Any]) -> Manifest:
    # matchLabelKeys takes the revision from the pod itself: a hash cannot be part of what it is the hash of
    return dict(constraint) | {
        "labelSelector": {"matchLabels": {LABEL_SERVICE: names.fit(name)}},
        "matchLabelKeys": [LABEL_REVISION],
    }
