"""What the API server's audit log says of one user's requests: pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

USER = "operator"
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
WATCH = "watch"
POLICY: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [{"level": "Metadata", "users": [USER]}, {"level": "None"}],
}
"""One line for every request of the user, when it has ended. Source: Kubernetes, Auditing."""


class Call(NamedTuple):
    """A kind of request: the API's verb, and the plural of what it is about with its subresource."""

    verb: str
    resource: str

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.verb in WRITES


Calls = Counter[Call]


def calls_of(lines: Iterable[str]) -> Calls:
    """How often each kind of request stands in these lines of an audit log."""
    return Counter(map(_call, lines))


def _call(line: str) -> Call:
    event = json.loads(line)
    about = event.get("objectRef") or {}
    parts = (about.get("resource"), about.get("subresource"))
    return Call(event["verb"], "/".join(filter(None, parts)) or "discovery")


def counted(calls: Calls) -> dict[str, int]:
    """The calls by what they do: writes, reads, and watches that have ended."""
    sums = Counter({"writes": 0, "reads": 0, "watches": 0})
    for call, number in calls.items():
        sums["writes" if call.writes else "watches" if call.verb == WATCH else "reads"] += number
    return dict(sums)


def listed(calls: Calls) -> dict[str, int]:
    """The same calls by verb and resource, the most frequent first, as raw data keeps them."""
    ordered = sorted(calls.items(), key=lambda item: (-item[1], item[0]))
    return {f"{call.verb} {call.resource}": number for call, number in ordered}
