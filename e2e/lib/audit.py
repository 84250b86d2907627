"""What the operator has asked the API server for, by the API server's own log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from e2e.kind.configuration import AUDIT_LOG
from e2e.lib.cluster import CommandFailed, run
from e2e.lib.session import OPERATOR_CHART, RELEASE
from e2e.rights import Right, rights_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from e2e.lib.cluster import Cluster

_CREATED = 201
_DECISION, _FORBIDDEN = "authorization.k8s.io/decision", "forbid"
_KIND = "kind-"


@dataclass(frozen=True, slots=True)
class Asked:
    """The rights that calls needed, and a sentence for each call that was forbidden."""

    rights: frozenset[Right]
    forbidden: frozenset[str]


def noted(cluster: Cluster) -> list[str] | None:
    """The lines of the audit log; None where this cluster keeps none: another's, or one made by an older checkout."""
    node = f"{cluster.context.removeprefix(_KIND)}-control-plane"
    try:
        return run(["docker", "exec", node, "cat", AUDIT_LOG]).splitlines()
    except CommandFailed as error:
        if "No such" in error.stderr:
            return None
        raise


def asked(lines: Iterable[str], since: str) -> Asked:
    """What the events from `since` on (RFC 3339, UTC) asked for. Pure."""
    events = [event for event in map(json.loads, lines) if event["requestReceivedTimestamp"] >= since]
    forbidden = frozenset(
        f"{event['verb']} {event['requestURI'].partition('?')[0]}"
        for event in events
        # not by the status: a namespace that is being deleted answers 403 too
        if event.get("annotations", {}).get(_DECISION) == _FORBIDDEN
    )
    return Asked(frozenset(right for event in events for right in _needed(event)), forbidden)


def _needed(event: Mapping[str, Any]) -> Iterator[Right]:
    """The rights of one call; a server-side apply that made the object needed `create` too."""
    reference = event.get("objectRef")
    if not reference or "resource" not in reference:
        return
    group = reference.get("apiGroup", "")
    resource = "/".join(filter(None, (reference["resource"], reference.get("subresource", ""))))
    yield Right(group, resource, event["verb"])
    if event["verb"] == "patch" and event.get("responseStatus", {}).get("code") == _CREATED:
        yield Right(group, resource, "create")


def given() -> frozenset[Right]:
    """What the operator's chart gives it, with the page, which a test turns on for a while."""
    text = run(["helm", "template", RELEASE, str(OPERATOR_CHART), "--set", "page.enabled=true"])
    roles = [one for one in yaml.safe_load_all(text) if one and one["kind"] == "ClusterRole"]
    (role,) = (role for role in roles if role["metadata"]["name"] == RELEASE)
    return rights_of(role["rules"])
