"""Writes what a pass found: the status, only where it changed, and then its events."""

import logging
from datetime import datetime

from paddle_serving_operator.api.status import ServiceStatus, dump_status
from paddle_serving_operator.constants import EVENT, FIELD_MANAGER, PADDLE_SERVICE, Manifest
from paddle_serving_operator.desired.names import fit
from paddle_serving_operator.desired.revision import content_hash
from paddle_serving_operator.kube.cluster import Cluster
from paddle_serving_operator.kube.errors import Conflict, KubeError
from paddle_serving_operator.rollout.move import Event

log = logging.getLogger(__name__)

MAX_NOTE = 1024  # bytes, the API's own limit
MAX_NAME = 253


def write_status(
    cluster: Cluster,
    resource: Manifest,
    before: ServiceStatus,
    after: ServiceStatus,
    events: tuple[Event, ...],
    now: datetime,
) -> None:
    """Writes the status if it differs, then the events of the transition.

    Raises Conflict where the PaddleService changed since it was read: the status would speak of another spec.
    """
    if after == before:
        return
    metadata = resource["metadata"]
    identity = {name: metadata[name] for name in ("name", "namespace", "uid", "resourceVersion")}
    body = {
        "apiVersion": PADDLE_SERVICE.api_version,
        "kind": PADDLE_SERVICE.kind,
        "metadata": identity,
        "status": dump_status(after),
    }
    cluster.apply_status(PADDLE_SERVICE, metadata["namespace"], body)
    for event in events:
        try:
            cluster.create(EVENT, metadata["namespace"], event_of(resource, event, now))
        except Conflict:
            continue  # the other operator was faster
        except KubeError as error:
            log.warning("%s", error)  # the status has it, too


def event_of(resource: Manifest, event: Event, now: datetime) -> Manifest:
    """The object of an event. Its name follows from its content, so that two operators make one."""
    metadata = resource["metadata"]
    told = [event.reason, event.message, event.token]
    identity = content_hash([metadata["uid"], metadata["generation"], *told, now.isoformat(timespec="minutes")])
    regarding = {"apiVersion": PADDLE_SERVICE.api_version, "kind": PADDLE_SERVICE.kind}
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {"name": fit(metadata["name"], f".{identity}", MAX_NAME), "namespace": metadata["namespace"]},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "type": "Warning" if event.warning else "Normal",
        "reason": event.reason.value,
        "action": "Reconcile",
        "note": event.message.encode()[:MAX_NOTE].decode(errors="ignore"),
        "reportingController": FIELD_MANAGER,
        "reportingInstance": FIELD_MANAGER,
        "regarding": regarding | {name: metadata[name] for name in ("name", "namespace", "uid")},
    }
