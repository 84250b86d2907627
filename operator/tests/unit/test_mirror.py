import time
from typing import Any

import pytest

from paddle_serving_operator.constants import (
    DISRUPTION_BUDGET,
    EVERYWHERE,
    LABEL_SERVICE,
    PADDLE_SERVICE,
    POD,
    SERVICE,
    Kind,
    Manifest,
)
from paddle_serving_operator.observe.mirror import WATCHED_KINDS, Mirror, NotHeldError
from paddle_serving_operator.observe.reading import Mirrored
from paddle_serving_operator.observe.shelf import KEPT_SECONDS, Place, Shelf, number_of

SECRET = Kind("v1", "Secret", "secrets")
SELECTOR = f"{LABEL_SERVICE}=ocr"


@pytest.fixture
def mirror() -> Mirror:
    return Mirror(time.monotonic)


def item(name: str, version: int | str = 1, *, uid: str = "", service: str = "ocr", **metadata: Any) -> Manifest:  # noqa: ANN401 - JSON
    labels = {LABEL_SERVICE: service} if service else {}
    given = {"name": name, "namespace": "default", "uid": uid or f"uid-{name}", "labels": labels}
    return {"metadata": given | {"resourceVersion": str(version)} | metadata}


def names(mirror: Mirror, kind: Kind = SERVICE, selector: str = SELECTOR) -> set[str]:
    return {found["metadata"]["name"] for found in mirror.list(kind, "default", selector)}


def version(mirror: Mirror, name: str) -> str | None:
    found = mirror.find(SERVICE, item(name))
    return found["metadata"]["resourceVersion"] if found else None


def test_it_answers_once_a_list_was_read_and_as_long_as_nothing_is_refused(mirror: Mirror) -> None:
    mirror.saw(SERVICE, item("early"))
    for change in (
        lambda: None,
        lambda: mirror.refused(SERVICE, None),
        lambda: mirror.ended(WATCHED_KINDS, None),
    ):
        change()
        assert not mirror.holds(SERVICE, "default")
        with pytest.raises(NotHeldError):
            mirror.list(SERVICE, "default", SELECTOR)
        mirror.listed(SERVICE, None, [item("ocr")], "5")
        assert names(mirror) == {"ocr"}
    mirror.refused(SERVICE, None)
    mirror.resumed(SERVICE, None)
    assert mirror.holds(SERVICE, "default")


def test_a_watch_of_one_namespace_says_nothing_about_another(mirror: Mirror) -> None:
    mirror.listed(SERVICE, "default", [item("ocr")], "5")
    assert mirror.holds(SERVICE, "default")
    assert not mirror.holds(SERVICE, "other")
    mirror.listed(SERVICE, "other", [], "9")
    assert names(mirror) == {"ocr"}


def test_what_is_everywhere_is_known_only_to_a_watch_of_the_whole_cluster(mirror: Mirror) -> None:
    mirror.listed(PADDLE_SERVICE, "default", [item("ocr")], "5")
    with pytest.raises(NotHeldError):
        mirror.list(PADDLE_SERVICE, EVERYWHERE, "")
    mirror.listed(PADDLE_SERVICE, None, [item("ocr")], "6")
    assert [found["metadata"]["name"] for found in mirror.list(PADDLE_SERVICE, EVERYWHERE, "")] == ["ocr"]
    with pytest.raises(NotHeldError):
        mirror.list(PADDLE_SERVICE, EVERYWHERE, "a=b")


def test_it_answers_only_selectors_that_the_watch_covers(mirror: Mirror) -> None:
    mirror.listed(SERVICE, None, [item("ocr"), item("seg", service="seg")], "5")
    mirror.listed(DISRUPTION_BUDGET, None, [item("theirs", service="")], "5")
    assert names(mirror) == {"ocr"}
    assert names(mirror, selector=f"{SELECTOR},x=y") == set()
    assert names(mirror, DISRUPTION_BUDGET, "") == {"theirs"}
    for selector in ("", "x=y", f"{LABEL_SERVICE} in (ocr)", f"{LABEL_SERVICE}!=ocr", LABEL_SERVICE):
        with pytest.raises(NotHeldError):
            mirror.list(SERVICE, "default", selector)


def test_it_knows_what_does_not_exist_only_where_every_object_is_watched(mirror: Mirror) -> None:
    for kind in (PADDLE_SERVICE, SERVICE):
        mirror.listed(kind, None, [item("ocr")], "5")
        assert mirror.get(kind, "default", "ocr") == item("ocr")
    assert mirror.get(PADDLE_SERVICE, "default", "other") is None
    with pytest.raises(NotHeldError):  # it may exist, without the label
        mirror.get(SERVICE, "default", "other")


def test_kinds_that_nobody_watches_are_not_kept(mirror: Mirror) -> None:
    mirror.saw(SECRET, item("e"))
    mirror.deleted(SECRET, "default", "e", "uid-e")
    with pytest.raises(NotHeldError):
        mirror.get(SECRET, "default", "e")
    assert "Secret" not in mirror.sizes()


def test_news_that_are_older_than_what_is_known_are_ignored(mirror: Mirror) -> None:
    mirror.listed(SERVICE, None, [item("ocr", 4)], "5")
    mirror.saw(SERVICE, item("ocr", 9))  # the answer to a write
    mirror.saw(SERVICE, item("ocr", 7))  # the watch lags behind
    assert version(mirror, "ocr") == "9"
    mirror.missed(SERVICE, item("ocr", 8))  # somebody deleted an older one of that name
    assert version(mirror, "ocr") == "9"
    mirror.missed(SERVICE, item("ocr", 10))
    mirror.saw(SERVICE, item("ocr", 9))
    assert version(mirror, "ocr") is None


def test_a_longer_number_is_the_greater_one(mirror: Mirror) -> None:
    mirror.listed(SERVICE, None, [item("ocr", 999)], "999")
    mirror.saw(SERVICE, item("ocr", 1000))
    assert version(mirror, "ocr") == "1000"


def test_what_this_operator_deleted_never_comes_back_but_a_successor_may(mirror: Mirror) -> None:
    mirror.listed(SERVICE, None, [item("ocr", 4, uid="old")], "5")
    mirror.deleted(SERVICE, "default", "ocr", "old")
    mirror.saw(SERVICE, item("ocr", 6, uid="old"))  # a change of before the deletion
    assert version(mirror, "ocr") is None
    mirror.saw(SERVICE, item("ocr", 9, uid="new"))
    mirror.deleted(SERVICE, "default", "ocr", "old")
    assert version(mirror, "ocr") == "9"


def test_a_list_shows_what_is_gone_and_leaves_what_was_written_since(mirror: Mirror) -> None:
    mirror.listed(SERVICE, None, [item("stays", 3), item("gone", 4)], "5")
    mirror.saw(SERVICE, item("new", 12))
    mirror.saw(SERVICE, item("stays", 11))
    assert mirror.listed(SERVICE, None, [item("stays", 3)], "10") == [item("gone", 4)]
    assert names(mirror) == {"stays", "new"}
    assert version(mirror, "stays") == "11"
    mirror.saw(SERVICE, item("gone", 6))  # still on its way when the watch began anew
    assert names(mirror) == {"stays", "new"}


def test_an_object_that_loses_the_label_leaves_and_may_come_back(mirror: Mirror) -> None:
    mirror.listed(SERVICE, None, [item("ocr", 4)], "5")
    mirror.saw(SERVICE, item("ocr", 7, service=""))
    mirror.saw(SERVICE, item("ocr", 6))
    assert names(mirror) == set()
    mirror.saw(SERVICE, item("ocr", 9))
    assert names(mirror) == {"ocr"}
    mirror.saw(SERVICE, item("ocr", 10, service="seg"))
    assert (names(mirror), names(mirror, selector=f"{LABEL_SERVICE}=seg")) == (set(), {"ocr"})


@pytest.mark.parametrize("strange", ["", "0", "01", "1a", "abc", "-1", "\uff11"])
def test_where_resource_versions_are_no_numbers_the_api_server_is_always_asked(mirror: Mirror, strange: str) -> None:
    assert number_of(strange) is None
    mirror.listed(SERVICE, None, [item("ocr", strange)], "5")
    assert not mirror.holds(SERVICE, "default")
    mirror.listed(SERVICE, None, [item("ocr", 3)], strange)
    assert not mirror.holds(SERVICE, "default")
    mirror.listed(SERVICE, None, [item("ocr", 3)], "5")
    assert mirror.holds(SERVICE, "default")
    mirror.saw(SERVICE, item("ocr", strange))
    assert not mirror.holds(SERVICE, "default")


def test_who_waits_for_the_first_lists_is_let_go_by_the_last_answer(mirror: Mirror) -> None:
    watches = [(SERVICE, None), (POD, None)]
    mirror.listed(SERVICE, None, [], "5")
    assert mirror.wait(watches, 0) is False
    mirror.refused(POD, None)
    assert mirror.wait(watches, 0) is True


def test_deletions_are_forgotten_when_no_news_of_before_can_be_on_its_way_any_more() -> None:
    now = 0.0
    shelf = Shelf(None, lambda: now)
    shelf.put(item("a", 1))
    shelf.take(item("a", 5))
    shelf.kill(Place("default", "b"), "uid-b")
    now = KEPT_SECONDS + 1
    shelf.take(item("c", 6))
    shelf.put(item("a", 4))
    shelf.put(item("b", 4))
    assert {found["metadata"]["name"] for found in shelf.all()} == {"a", "b"}


class Server:
    """An API server that says what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get(self, kind: Kind, _namespace: str, name: str) -> Manifest | None:
        self.asked.append(f"get {kind.kind} {name}")
        return item(name)

    def list(self, kind: Kind, _namespace: str, selector: str) -> list[Manifest]:
        self.asked.append(f"list {kind.kind} {selector}")
        return [item("ocr")]


def test_the_api_server_is_asked_for_what_the_mirror_does_not_hold_and_for_nothing_else(mirror: Mirror) -> None:
    server = Server()
    reader = Mirrored(mirror, server)
    assert reader.list(SERVICE, "default", SELECTOR) == [item("ocr")]
    assert reader.get(PADDLE_SERVICE, "default", "ocr") == item("ocr")
    assert server.asked == [f"list Service {SELECTOR}", "get PaddleService ocr"]
    for kind in (SERVICE, PADDLE_SERVICE):
        mirror.listed(kind, None, [item("ocr", 2)], "5")
    server.asked.clear()
    assert reader.list(SERVICE, "default", SELECTOR) == [item("ocr", 2)]
    assert reader.get(PADDLE_SERVICE, "default", "ocr") == item("ocr", 2)
    assert server.asked == []
