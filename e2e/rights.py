"""A role beside the calls that were made: rights that nobody used, and calls that none allows. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_OF_COLLECTIONS = {"GET": "list", "DELETE": "deletecollection"}
_CREATED = 201


class Right(NamedTuple):
    """A verb on a resource, as a rule of a role names both; the resource may have a subresource behind a slash."""

    group: str
    resource: str
    verb: str


class Call(NamedTuple):
    """A request to the API server: HTTP method, path without query, whether it watches, HTTP status of the answer."""

    method: str
    path: str
    watches: bool
    status: int


class Audit(NamedTuple):
    """Rights that no call needed, and calls that need a right that is not among them, as sentences."""

    unused: frozenset[Right]
    uncovered: frozenset[str]


def rights_of(rules: Iterable[Mapping[str, Any]]) -> frozenset[Right]:
    """Every right that these rules give."""
    return frozenset(
        Right(group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    )


def needed(call: Call) -> tuple[str, frozenset[Right]] | None:
    """The namespace of a call, empty for the whole cluster, and the rights that it needs.

    None for what every account may ask: which kinds there are. A server-side apply that makes an object needs the right
    to create it too (Kubernetes, registry/rest: create on update).
    """
    match call.path.strip("/").split("/"):
        case ["api", _, *rest]:
            group = ""
        case ["apis", group, _, *rest]:
            pass
        case _:
            return None
    if not rest:
        return None
    namespace = ""
    if rest[0] == "namespaces" and rest[2:]:
        namespace, rest = rest[1], rest[2:]
    resource = "/".join([rest[0], *rest[2:]])
    verb = (
        "watch" if call.watches else (_OF_COLLECTIONS if len(rest) == 1 else {}).get(call.method, _VERBS[call.method])
    )
    verbs = {verb, "create"} if verb == "patch" and call.status == _CREATED else {verb}
    return namespace, frozenset(Right(group, resource, one) for one in verbs)


def audit(rules: Iterable[Mapping[str, Any]], calls: Iterable[Call], indirect: frozenset[Right]) -> Audit:
    """Compares a role, which holds within namespaces, with calls. `indirect` are rights that no call shows."""
    given = rights_of(rules)
    used: set[Right] = set()
    uncovered: set[str] = set()
    for call in calls:
        if (need := needed(call)) is None:
            continue
        namespace, rights = need
        used |= rights
        if missing := rights if not namespace else rights - given:
            words = ", ".join(sorted(f"{right.verb} {right.resource}" for right in missing))
            where = "in a namespace" if namespace else "of the whole cluster"
            uncovered.add(f"{call.method} {call.path} needs a right that the role does not give: {words} {where}")
    return Audit(given - used - indirect, frozenset(uncovered))
