"""The pod of a revision, as a plain dict."""

import json
import math
from collections.abc import Mapping
from typing import Any

from paddle_serving_operator.api.types import (
    ConfigMapSource,
    HttpSource,
    ImageSource,
    PvcSource,
    S3Source,
    ServiceSpec,
)
from paddle_serving_operator.constants import (
    ADMIN_PORT,
    ANNOTATION_ACCOUNT,
    GRPC_PORT,
    HTTP_PORT,
    LABEL_REVISION,
    LABEL_SERVICE,
    Manifest,
)
from paddle_serving_operator.desired import arguments, names
from paddle_serving_operator.quantity import smaller
from paddle_serving_operator.settings import Profile

USER = 65532
SPARE_SECONDS = 5  # between the end of the drain and the kubelet's SIGKILL
STARTUP_SECONDS = 3600  # a large model may load for long; the progress deadline tells the user earlier
FETCH_NEEDS = ("cpu", "memory", "ephemeral-storage")  # of all that a serving container has; no GPU
S3_SESSION_TOKEN = "AWS_SESSION_TOKEN"  # noqa: S105 - the name of a variable
S3_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", S3_SESSION_TOKEN)
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
        "initContainers": [*_model_container(spec, profile), _fetch_container(spec, profile, image)],
        "containers": [_serve_container(name, spec, profile, image)],
        "volumes": _volumes(spec),
        **_placement(name, spec, profile),
    }


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
    mounts: list[Manifest] = [{"name": "models", "mountPath": arguments.MODELS}, {"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 - the volume
    match spec.model.source:
        case ImageSource():
            mounts.append({"name": "store", "mountPath": arguments.STORE, "readOnly": True})
        case PvcSource() | ConfigMapSource():
            mounts.append({"name": "source", "mountPath": arguments.SOURCE, "readOnly": True})
        case S3Source(ca_config_map=ca) if ca:
            mounts.append({"name": "ca", "mountPath": arguments.CA, "readOnly": True})
        case S3Source() | HttpSource():
            pass
    container: Manifest = {
        "name": "fetch",
        "image": image,
        "imagePullPolicy": profile.image_pull_policy,
        "args": arguments.fetch(spec),
        "resources": _fetch_resources(spec, profile),
        "securityContext": CONTAINER_SECURITY,
        "terminationMessagePolicy": "File",
        "volumeMounts": mounts,
    }
    if isinstance(spec.model.source, S3Source) and spec.model.source.credentials_secret:
        container["env"] = [_credential(spec.model.source.credentials_secret, key) for key in S3_CREDENTIALS]
    return container


def _credential(secret: str, key: str) -> Manifest:
    """A variable that the kubelet reads out of a Secret; the operator never sees its value."""
    reference: Manifest = {"name": secret, "key": key}
    if key == S3_SESSION_TOKEN:
        reference["optional"] = True
    return {"name": key, "valueFrom": {"secretKeyRef": reference}}


def _serve_container(name: str, spec: ServiceSpec, profile: Profile, image: str) -> Manifest:
    variables = dict(profile.env) | dict(spec.pod.env)
    container: Manifest = {
        "name": "serve",
        "image": image,
        "imagePullPolicy": profile.image_pull_policy,
        "args": arguments.serve(name, spec, image),
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
            {"name": "models", "mountPath": arguments.MODELS, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the volume
            {"name": "run", "mountPath": "/run"},
            *([{"name": "signing", "mountPath": arguments.SIGNING, "readOnly": True}] if _signs(spec) else []),
        ],
    }
    if variables:
        container["env"] = [{"name": name, "value": arguments.literal(value)} for name, value in variables.items()]
    return container


def _signs(spec: ServiceSpec) -> bool:
    return bool(spec.consistency.signing_key_secret)


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


def _volumes(spec: ServiceSpec) -> list[Manifest]:
    volumes: list[Manifest] = [
        {"name": "models", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
        {"name": "run", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
    ]
    if secret := spec.consistency.signing_key_secret:  # optional: without it the runtime ends and says so
        items = [{"key": arguments.SIGNING_KEY, "path": arguments.SIGNING_KEY}]
        volumes.append(
            {
                "name": "signing",
                "secret": {"secretName": secret, "items": items, "defaultMode": 0o440, "optional": True},
            }
        )
    match spec.model.source:
        case PvcSource(claim_name=claim):
            volumes.append({"name": "source", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}})
        case ImageSource():
            volumes.append({"name": "store", "emptyDir": {}})
        case ConfigMapSource(name=config_map):
            # optional, because a pod that waits for a missing ConfigMap says so nowhere in its status; fetch does
            volumes.append({"name": "source", "configMap": {"name": config_map, "optional": True}})
        case S3Source(ca_config_map=ca) if ca:
            volumes.append({"name": "ca", "configMap": {"name": ca, "optional": True}})
        case S3Source() | HttpSource():
            pass
    return volumes


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
