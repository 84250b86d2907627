import io
import itertools
import json
import logging
from collections.abc import Iterable, Sized
from typing import Any

import pytest

from paddle_serving_operator.constants import (
    AUTOSCALER,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    EVENT,
    LABEL_SERVICE,
    OWNED_KINDS,
    PADDLE_SERVICE,
    POD,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
)
from paddle_serving_operator.handlers import registry as handlers
from paddle_serving_operator.json_logging import start_logging
from paddle_serving_operator.observe.mirror import OPTIONAL_KINDS, WATCHED_KINDS

from .desk import Desk, child, made, new_desk

OURS = {"apiVersion": PADDLE_SERVICE.api_version, "kind": PADDLE_SERVICE.kind, "name": "ocr", "uid": "2"}


@pytest.fixture
def desk() -> Desk:
    return new_desk()


def test_an_event_of_a_child_puts_its_owner_into_the_queue_and_the_child_into_the_mirror(desk: Desk) -> None:
    desk.hub.heard(POD, "ADDED", child("ocr-1"))
    assert desk.due() == {"default/ocr": "Pod ocr-1 ADDED"}
    desk.hub.heard(POD, "DELETED", child("ocr-1", 2))
    assert desk.due() == {"default/ocr": "Pod ocr-1 DELETED"}
    assert desk.mirror.known(POD, "default") == []


def test_an_object_that_is_nobodys_concerns_nobody(desk: Desk) -> None:
    desk.hub.heard(SERVICE, "ADDED", made("theirs"))
    assert desk.due() == {}


def test_a_child_that_lost_its_label_is_found_by_its_owner(desk: Desk) -> None:
    owners = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "set", "uid": "1"}, OURS]
    desk.hub.heard(SERVICE, "MODIFIED", made("ocr", labels={LABEL_SERVICE: "another"}, ownerReferences=owners))
    assert set(desk.due()) == {"default/another", "default/ocr"}


def services(desk: Desk) -> None:
    for namespace, name in (("default", "ocr"), ("default", "seg"), ("other", "b")):
        desk.hub.heard(PADDLE_SERVICE, "ADDED", made(name, namespace=namespace))
    desk.hub.heard(PADDLE_SERVICE, "ADDED", made("gone"))
    desk.hub.heard(PADDLE_SERVICE, "DELETED", made("gone", 2))
    desk.due()


def test_a_budget_of_somebody_else_concerns_every_service_of_its_namespace_when_its_spec_changes(desk: Desk) -> None:
    services(desk)
    every = {"default/ocr", "default/seg"}

    def heard(change: str, version: int, generation: int, **metadata: Any) -> set[str]:  # noqa: ANN401 - JSON
        desk.hub.heard(DISRUPTION_BUDGET, change, made("theirs", version, generation=generation, **metadata))
        return set(desk.due())

    assert heard("ADDED", 1, 1) == every
    assert heard("MODIFIED", 2, 1) == set()  # its status
    assert heard("MODIFIED", 3, 2) == every
    assert heard("MODIFIED", 4, 3, ownerReferences=[OURS]) == {"default/ocr"}
    assert heard("DELETED", 5, 3) == every


@pytest.mark.parametrize("kind", [AUTOSCALER, DISRUPTION_BUDGET])
def test_a_status_that_no_pass_reads_makes_none(desk: Desk, kind: Kind) -> None:
    def heard(change: str, version: int, **fields: Any) -> set[str]:  # noqa: ANN401 - JSON
        desk.hub.heard(kind, change, child("ocr", version) | fields)
        return set(desk.due())

    ours = {"default/ocr"}
    assert heard("ADDED", 1, spec={"x": 1}, status={"replicas": 1}) == ours
    assert heard("MODIFIED", 2, spec={"x": 1}, status={"replicas": 2}) == set()
    assert heard("MODIFIED", 3, spec={"x": 2}, status={"replicas": 2}) == ours
    bent = child("ocr", 4)
    bent["metadata"]["annotations"] = {"a": "b"}
    desk.hub.heard(kind, "MODIFIED", bent | {"spec": {"x": 2}, "status": {"replicas": 2}})
    assert set(desk.due()) == ours
    assert heard("DELETED", 5, spec={"x": 2}) == ours


def test_the_status_of_a_pod_or_deployment_makes_a_pass(desk: Desk) -> None:
    for kind in (POD, DEPLOYMENT):
        for version in (1, 2):
            desk.hub.heard(kind, "MODIFIED", child("ocr", version) | {"status": {"replicas": version}})
            assert set(desk.due()) == {"default/ocr"}, kind


def test_an_account_of_somebody_else_concerns_every_service_when_it_comes_or_goes(desk: Desk) -> None:
    services(desk)
    for change, version, count in (("ADDED", 1, 2), ("MODIFIED", 2, 0), ("DELETED", 3, 2)):
        desk.hub.heard(SERVICE_ACCOUNT, change, made("reader", version))
        assert len(desk.due()) == count, change


def test_what_went_while_nobody_watched_is_made_up_for_by_the_next_list(desk: Desk) -> None:
    desk.hub.listed(SERVICE, None, [child("ocr"), child("ocr-stable")], "5")
    assert desk.due() == {"default/ocr": "Service ocr listed"}
    desk.hub.listed(SERVICE, None, [child("ocr")], "9")
    assert desk.due() == {"default/ocr": "Service ocr-stable vanished"}
    desk.hub.listed(SERVICE, None, [], "11")
    assert desk.due() == {"default/ocr": "Service ocr vanished"}


def test_only_a_right_that_is_missing_is_told_to_every_service(desk: Desk) -> None:
    services(desk)
    desk.hub.refused(POD, None, forbidden=False)
    assert desk.due() == {}  # the API server is away: there is nothing to tell, and nobody to tell it to
    desk.hub.refused(SERVICE, None, forbidden=True)
    assert desk.due() == dict.fromkeys(("default/ocr", "default/seg", "other/b"), "Service cannot be watched")
    desk.hub.refused(SERVICE, None, forbidden=True)
    assert desk.due() == {}


def test_events_are_for_the_page_alone(desk: Desk) -> None:
    services(desk)
    about = {"kind": PADDLE_SERVICE.kind, "name": "ocr", "namespace": "default"}
    desk.hub.heard(EVENT, "ADDED", made("told") | {"regarding": about})
    assert [told["metadata"]["name"] for told in desk.mirror.known(EVENT, "default")] == ["told"]
    desk.hub.refused(EVENT, None, forbidden=True)
    desk.hub.heard(EVENT, "DELETED", made("told", 2))
    assert desk.mirror.known(EVENT, "default") == []
    assert desk.due() == {}


def test_only_events_are_handled_so_kopf_writes_nothing_to_objects() -> None:
    registry: Any = handlers.make_registry(WATCHED_KINDS)
    assert not registry._changing._handlers
    assert not registry._spawning._handlers
    assert [handler.id for handler in registry._watching._handlers] == [kind.plural for kind in WATCHED_KINDS]
    assert set(OWNED_KINDS) < set(WATCHED_KINDS)


def test_a_request_that_is_refused_is_repeated_without_an_end() -> None:
    retries = handlers.operator_settings().networking.error_backoffs
    assert isinstance(retries, Iterable)
    assert list(itertools.islice(retries, 8)) == [1, 2, 4, 8, 16, 30, 30, 30]
    assert next(iter(retries)) == 1  # every request begins anew
    assert not isinstance(retries, Sized)  # of those kopf asks how many there are


def test_kopf_watches_only_our_children_and_needs_no_peering() -> None:
    settings = handlers.operator_settings()
    assert settings.peering.standalone
    assert settings.scanning.disabled
    assert not settings.posting.enabled
    assert isinstance(settings.watching.server_timeout, int)
    assert settings.process.ultimate_exiting_timeout is None
    selectors = settings.watching.label_selectors
    assert set(selectors.values()) == {LABEL_SERVICE}
    # three kinds are everybody's: other people's budgets cover our pods, and their accounts run them
    assert len(list(selectors)) == len(WATCHED_KINDS) + len(OPTIONAL_KINDS) - 3
    for kind in (("policy", "v1", "poddisruptionbudgets"), ("", "v1", "serviceaccounts")):
        assert kind not in selectors
    assert list(settings.watching.field_selectors.values()) == ["regarding.kind=PaddleService"]


def test_log_lines_are_json_with_the_object_they_are_about_and_what_a_pass_did() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    told = {"key": "default/ocr", "causes": ["Pod ocr-1 ADDED"], "writes": 0, "phase": "Healthy"}
    try:
        start_logging("INFO", stream)
        logging.getLogger("operator").info("two\nlines", extra=told)
        logging.getLogger("kopf.objects").info("chatter")
    finally:
        root.handlers[:], root.level = before, level
        logging.getLogger("kopf").setLevel(logging.NOTSET)
    (line,) = stream.getvalue().splitlines()
    fields = json.loads(line)
    assert fields["message"] == "two\nlines"
    assert fields["level"] == "info"
    assert fields["object"] == "default/ocr"
    assert (fields["causes"], fields["writes"], fields["phase"]) == (["Pod ocr-1 ADDED"], 0, "Healthy")
