"""Builders of the objects of a PaddleService: values in, a plain dict out."""

from paddle_serving_operator.api.types import Disruption
from paddle_serving_operator.constants import (
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
from paddle_serving_operator.desired.revision import Revision, dump_revision


def service_account(name: str) -> Manifest:
    """The pods' account: it has no rights and no token."""
    return _object(SERVICE_ACCOUNT, names.service_account(name), names.labels(name)) | {
        "automountServiceAccountToken": False
    }


def controller_revision(name: str, revision: Revision, number: int) -> Manifest:
    """The record of a revision. `number` grows with every rollout; the API server refuses changes of the data."""
    record = _object(
        CONTROLLER_REVISION, names.deployment(name, revision.name), names.revision_labels(name, revision.name)
    )
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


def traffic_service(name: str, revision: str | None) -> Manifest:
    """The Service that users call. None: no revision may have traffic yet, so it selects nothing."""
    return _service(name, names.traffic_service(name), revision)


def stable_service(name: str, revision: str | None) -> Manifest:
    """The Service of the stable revision."""
    return _service(name, names.stable_service(name), revision)


def disruption_budget(name: str, revision: str, disruption: Disruption) -> Manifest:
    """The budget of the revision that has the traffic.

    Candidates are left out: the pods of a failing one would count as lost and block every node drain.
    """
    return _object(DISRUPTION_BUDGET, names.disruption_budget(name), names.labels(name)) | {
        "spec": {
            "maxUnavailable": disruption.max_unavailable,
            "selector": {"matchLabels": names.pod_selector(name, revision)},
            # a crashing pod answers nobody, so it must not hold a node
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        }
    }


def _service(name: str, service_name: str, revision: str | None) -> Manifest:
    return _object(SERVICE, service_name, names.labels(name)) | {
        "spec": {
            "type": "ClusterIP",
            "selector": names.pod_selector(name, revision or NO_REVISION),
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
