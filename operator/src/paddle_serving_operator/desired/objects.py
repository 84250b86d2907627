"""Builders of the objects of a PaddleService: values in, a plain dict out."""

from collections.abc import Mapping

from paddle_serving_operator.api.types import Disruption
from paddle_serving_operator.constants import (
    ADMIN_PORT,
    CONTROLLER_REVISION,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    GRPC_PORT,
    NO_REVISION,
    SERVICE,
    SERVICE_ACCOUNT,
    SERVICE_PORT,
    Kind,
    Manifest,
)
from paddle_serving_operator.desired import names
from paddle_serving_operator.desired.revision import Revision, dump_revision, spec_annotation

PAIR = 2


def service_account(name: str, annotations: Mapping[str, str]) -> Manifest:
    """The pods' account: it has no rights and no token. Annotations tie it to an identity of the cloud."""
    account = _object(SERVICE_ACCOUNT, names.service_account(name), names.labels(name))
    if annotations:
        account["metadata"]["annotations"] = dict(annotations)
    return account | {"automountServiceAccountToken": False}


def controller_revision(name: str, revision: Revision, number: int) -> Manifest:
    """The record of a revision. `number` grows with every rollout; the API server refuses changes of the data."""
    record = _object(
        CONTROLLER_REVISION, names.deployment(name, revision.name), names.revision_labels(name, revision.name)
    )
    if told := spec_annotation(revision):
        record["metadata"]["annotations"] = told
    return record | {"revision": number, "data": dump_revision(revision)}


def deployment(name: str, revision: Revision, replicas: int) -> Manifest:
    """The Deployment of one revision. Its template never changes, so it never restarts a pod."""
    metadata = dict(revision.template["metadata"])
    metadata["labels"] = dict(metadata["labels"]) | names.revision_labels(name, revision.name)
    return _object(DEPLOYMENT, names.deployment(name, revision.name), names.revision_labels(name, revision.name)) | {
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 0,
            "selector": {"matchLabels": names.pod_selector(name, revision.name)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {"metadata": metadata, "spec": revision.template["spec"]},
        }
    }


def traffic_service(name: str, shares: Mapping[str, int]) -> Manifest:
    """The Service that users call.

    `shares`: percent by revision. Nobody's: it selects nothing. Two of them: it selects every pod, and their numbers
    make the ratio.
    """
    holders = [revision for revision, share in shares.items() if share > 0]
    selector = _pods_of(name, holders[0] if holders else None) if len(holders) < PAIR else names.broad_selector(name)
    return _service(name, names.traffic_service(name), selector)


def stable_service(name: str, revision: str | None, *, replays: bool = False) -> Manifest:
    """The Service of the stable revision. None: no revision may have traffic yet, so it selects nothing.

    `replays`: candidates read from its pods, at their admin port, what users have asked.
    """
    made = _service(name, names.stable_service(name), _pods_of(name, revision))
    if replays:
        made["spec"]["ports"].append(_port("admin", ADMIN_PORT, "http"))
    return made


def canary_service(name: str, revision: str | None) -> Manifest:
    """The Service of a candidate that has a share. None: it selects nothing."""
    return _service(name, names.canary_service(name), _pods_of(name, revision))


def _pods_of(name: str, revision: str | None) -> dict[str, str]:
    return names.pod_selector(name, revision or NO_REVISION)


def disruption_budget(name: str, revision: str | None, disruption: Disruption) -> Manifest:
    """The budget of the revision that has the traffic; None: of every pod, while two share it.

    Candidates are left out: the pods of a failing one would count as lost and block every node drain.
    """
    selector = names.pod_selector(name, revision) if revision else names.broad_selector(name)
    return _object(DISRUPTION_BUDGET, names.disruption_budget(name), names.labels(name)) | {
        "spec": {
            "maxUnavailable": disruption.max_unavailable,
            "selector": {"matchLabels": selector},
            # a crashing pod answers nobody, so it must not hold a node
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        }
    }


def _service(name: str, service_name: str, selector: dict[str, str]) -> Manifest:
    return _object(SERVICE, service_name, names.labels(name)) | {
        "spec": {
            "type": "ClusterIP",
            # the API server's own defaults, said so that nobody else's value stays: a pod that is not Ready has proved
            # nothing, and the others leave callers without pods, or all of them with one
            "ipFamilyPolicy": "SingleStack",
            "publishNotReadyAddresses": False,
            "internalTrafficPolicy": "Cluster",
            "sessionAffinity": "None",
            "selector": selector,
            "ports": [
                _port("http", SERVICE_PORT, "http"),
                # the name that Kubernetes defines (KEP-3726) for HTTP/2 without TLS, which is what gRPC speaks here
                _port("grpc", GRPC_PORT, "kubernetes.io/h2c"),
            ],
        }
    }


def _port(name: str, port: int, protocol: str) -> Manifest:
    return {"name": name, "port": port, "targetPort": name, "protocol": "TCP", "appProtocol": protocol}


def _object(kind: Kind, name: str, labels: dict[str, str]) -> Manifest:
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name, "labels": labels}}
