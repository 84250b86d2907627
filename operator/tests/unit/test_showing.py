"""What the page is made from: the mirror, and how much of it is known."""

from collections.abc import Callable

import pytest

from paddle_serving_operator.constants import (
    CONFIG_MAP,
    CONTROLLER_REVISION,
    EVENT,
    LABEL_SERVICE,
    PADDLE_SERVICE,
    POD,
    Kind,
)
from paddle_serving_operator.observe.mirror import PAGE_KINDS, WATCHED_KINDS, Mirror
from paddle_serving_operator.observe.showing import Showing

from .things import Json

UNREAD = "The operator has not read everything yet."


def item(name: str, service: str = "", namespace: str = "shop") -> Json:
    labels = {LABEL_SERVICE: service} if service else {}
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "labels": labels, "resourceVersion": "7"}
    return {"metadata": metadata}


def begun(mirror: Mirror, scope: str | None) -> None:
    for kind in (*WATCHED_KINDS, *PAGE_KINDS):
        mirror.listed(kind, scope, [], "5")


@pytest.fixture
def mirror() -> Mirror:
    return Mirror(lambda: 0.0)


def test_a_service_has_what_carries_its_label_in_its_namespace(mirror: Mirror) -> None:
    showing = Showing(mirror, (None,))
    mirror.saw(PADDLE_SERVICE, item("ocr"))
    for kind in (CONTROLLER_REVISION, CONFIG_MAP, POD):
        mirror.saw(kind, item(f"mine-{kind.plural}", "ocr"))
        mirror.saw(kind, item(f"of-another-{kind.plural}", "seg"))
        mirror.saw(kind, item(f"elsewhere-{kind.plural}", "ocr", "other"))
    mirror.saw(EVENT, item("told"))
    mirror.saw(EVENT, item("told-elsewhere", namespace="other"))
    found = showing.objects("shop", "ocr")
    assert found is not None
    parts = {"revisions": found.revisions, "reports": found.reports, "pods": found.pods, "events": found.events}
    assert {name: [one["metadata"]["name"] for one in part] for name, part in parts.items()} == {
        "revisions": ["mine-controllerrevisions"],
        "reports": ["mine-configmaps"],
        "pods": ["mine-pods"],
        "events": ["told"],
    }
    assert showing.objects("shop", "seg") is None
    assert showing.services() == [item("ocr")]


@pytest.mark.parametrize("scopes", [(None,), ("shop", "other")])
def test_it_says_that_not_everything_is_read_until_every_watch_has_begun(
    mirror: Mirror, scopes: tuple[str | None, ...]
) -> None:
    showing = Showing(mirror, scopes)
    for scope in scopes:
        assert showing.gaps() == (UNREAD,)
        begun(mirror, scope)
    assert showing.gaps() == ()


@pytest.mark.parametrize("kind", [POD, PADDLE_SERVICE, EVENT])
def test_it_says_what_may_be_old_while_a_watch_is_refused(mirror: Mirror, kind: Kind) -> None:
    showing = Showing(mirror, (None,))
    begun(mirror, None)
    changes: list[Callable[[], object]] = [lambda: mirror.refused(kind, None), lambda: mirror.resumed(kind, None)]
    said = []
    for change in changes:
        change()
        said.append(showing.gaps())
    sentence = f"The API server does not tell of {kind.plural} at the moment; what is shown of them may be old."
    assert said == [(sentence,), ()]
