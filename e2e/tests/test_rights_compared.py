"""The comparison of a role with the calls that were made; the calls themselves are made in the integration tests."""

import pytest

from e2e.rights import Call, Right, audit, needed, rights_of

RULES = [
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "patch", "create"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
]
DEPLOYMENTS, ONE = "/apis/apps/v1/namespaces/shop/deployments", "/apis/apps/v1/namespaces/shop/deployments/ocr"
LOG = "/api/v1/namespaces/shop/pods/ocr-1/log"
EVERYTHING = [
    Call("GET", DEPLOYMENTS, watches=False, status=200),
    Call("GET", ONE, watches=False, status=404),
    Call("PATCH", ONE, watches=False, status=201),
    Call("GET", LOG, watches=False, status=200),
]


def call(method: str, path: str, *, watches: bool = False, status: int = 200) -> Call:
    return Call(method, path, watches, status)


@pytest.mark.parametrize(
    ("made", "namespace", "rights"),
    [
        (call("GET", DEPLOYMENTS), "shop", {("apps", "deployments", "list")}),
        (call("GET", DEPLOYMENTS, watches=True), "shop", {("apps", "deployments", "watch")}),
        (call("POST", DEPLOYMENTS, status=201), "shop", {("apps", "deployments", "create")}),
        (call("DELETE", DEPLOYMENTS), "shop", {("apps", "deployments", "deletecollection")}),
        (call("DELETE", ONE), "shop", {("apps", "deployments", "delete")}),
        (call("PUT", f"{ONE}/scale"), "shop", {("apps", "deployments/scale", "update")}),
        (call("PATCH", ONE), "shop", {("apps", "deployments", "patch")}),
        (call("PATCH", ONE, status=201), "shop", {("apps", "deployments", "patch"), ("apps", "deployments", "create")}),
        (call("GET", LOG), "shop", {("", "pods/log", "get")}),
        (call("GET", "/api/v1/namespaces/shop"), "", {("", "namespaces", "get")}),
        (call("GET", "/api/v1/nodes"), "", {("", "nodes", "list")}),
    ],
)
def test_a_call_needs_the_right_that_kubernetes_asks_for(
    made: Call, namespace: str, rights: set[tuple[str, str, str]]
) -> None:
    assert needed(made) == (namespace, frozenset(Right(*right) for right in rights))


@pytest.mark.parametrize("path", ["/version", "/api", "/api/v1", "/apis", "/apis/apps/v1", "/openapi/v3"])
def test_what_every_account_may_ask_needs_no_right(path: str) -> None:
    assert needed(call("GET", path)) is None


def test_a_role_that_is_used_up_and_covers_everything_is_right() -> None:
    assert audit(RULES, EVERYTHING, frozenset()) == (frozenset(), frozenset())


def test_a_right_that_no_call_needs_is_named_unless_it_is_known_to_be_indirect() -> None:
    unused = Right("apps", "deployments", "delete")
    rules = [*RULES, {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["delete"]}]
    assert audit(rules, EVERYTHING, frozenset()).unused == {unused}
    assert audit(rules, EVERYTHING, frozenset({unused})).unused == frozenset()
    assert Right("", "pods/log", "get") in audit(RULES, EVERYTHING[:3], frozenset()).unused


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (call("DELETE", ONE), "delete deployments in a namespace"),
        (call("GET", "/api/v1/namespaces/shop/secrets/key"), "get secrets in a namespace"),
        (call("GET", "/apis/apps/v1/deployments"), "list deployments of the whole cluster"),
    ],
)
def test_a_call_that_the_role_does_not_cover_is_named(made: Call, words: str) -> None:
    (sentence,) = audit(RULES, [*EVERYTHING, made], frozenset()).uncovered
    assert sentence == f"{made.method} {made.path} needs a right that the role does not give: {words}"


def test_no_wildcard_is_taken_for_a_right() -> None:
    assert rights_of([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]) == {Right("*", "*", "*")}
