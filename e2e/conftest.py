"""Fixtures of the end-to-end tests. Nothing here runs for the tests of e2e/kind, which need no cluster."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from e2e.lib import session
from e2e.lib.cluster import CommandFailed
from e2e.lib.dump import dump
from e2e.lib.given import Given
from e2e.lib.store import ModelStore

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from e2e.lib.cluster import Cluster, Namespace

# A scenario waits for pods that load Paddle, several times; each wait inside it has a deadline of its own.
SCENARIO_SECONDS = 600
LAST = "test_rights.py"
CURRENT = pytest.StashKey["tuple[Namespace, Namespace]"]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives every scenario its time limit, and puts the one last that looks at what all others have done.

    Where two processes share them (`--dist loadgroup`), one has all that are on the cluster: some take it away.
    """
    items.sort(key=lambda item: item.path.name == LAST)
    for item in items:
        if item.get_closest_marker("e2e"):
            item.add_marker(pytest.mark.xdist_group("cluster" if needs_cluster(item) else "docker"))
        if item.get_closest_marker("e2e") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SCENARIO_SECONDS))


def needs_cluster(item: pytest.Item) -> bool:
    """Whether one of its fixtures is on the cluster."""
    return "cluster" in getattr(item, "fixturenames", ())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Dumps the test's namespace while it is still there, and shows the summary below the failure."""
    report = yield
    if report.failed and CURRENT in item.stash:
        namespace, operator = item.stash[CURRENT]
        report.sections.append(("cluster", dump(namespace, operator, item.name)))
    return report


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster of the kubeconfig, if it is one that these tests may break."""
    return session.guarded_cluster(dict(os.environ))


@pytest.fixture(scope="session")
def namespaces() -> list[Namespace]:
    """Every namespace that the session has made, in order."""
    return []


@pytest.fixture(scope="session")
def operator(cluster: Cluster, namespaces: list[Namespace]) -> Iterator[Namespace]:
    """The namespace of the operator, installed as the README does.

    At the end all namespaces of tests must be gone, with the operator still there; then it is removed, unless it was
    there before.
    """
    was_there = session.is_installed(cluster)
    place = cluster.namespace(session.OPERATOR_NAMESPACE)
    try:
        session.install_operator(cluster)
    except CommandFailed as error:
        pytest.fail(f"{error}\n{dump(place, place, 'install-operator')}", pytrace=False)
    yield place
    for namespace in namespaces:
        session.namespace_is_gone(namespace)
    if not was_there:
        session.remove_operator(cluster)


@pytest.fixture(scope="session")
def store(cluster: Cluster, namespaces: list[Namespace]) -> Iterator[Callable[[], ModelStore]]:
    """The session's model store, made at the first call."""
    with session.temporary_namespace(cluster, "model-store") as namespace:
        namespaces.append(namespace)
        made: list[ModelStore] = []

        def get() -> ModelStore:
            if not made:
                made.append(ModelStore(namespace))
            return made[0]

        yield get


@pytest.fixture
def namespace(
    request: pytest.FixtureRequest, cluster: Cluster, operator: Namespace, namespaces: list[Namespace]
) -> Iterator[Namespace]:
    """A namespace for this test alone."""
    with session.temporary_namespace(cluster, request.node.name) as made:
        namespaces.append(made)
        request.node.stash[CURRENT] = (made, operator)
        yield made


@pytest.fixture
def given(namespace: Namespace, store: Callable[[], ModelStore]) -> Given:
    """What a test starts from."""
    return Given(namespace, store)
