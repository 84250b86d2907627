"""Revisions on record, what differs between two, and who owns the spec."""

from datetime import UTC, datetime

import pytest

from paddle_serving_operator.view.difference import changes, revision_part
from paddle_serving_operator.view.history import before, changes_between, find
from paddle_serving_operator.view.overview import Objects, Overview, overview
from paddle_serving_operator.view.owner import Owner, owner_of

from .things import NEW, OLD, Json, digest, record, service, shifting

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def made(*records: Json) -> Overview:
    return overview(Objects(shifting(), revisions=records), NOW)


def test_records_are_in_the_order_of_their_numbers_and_say_what_they_do() -> None:
    found = made(record(3, NEW, "b"), record(2, OLD, "a"), record(1, "3333333333", "c"))
    assert [(item.number, item.revision, item.state) for item in found.records] == [
        (1, "3333333333", ""),
        (2, OLD, "serves"),
        (3, NEW, "being rolled out"),
    ]
    assert found.number_of(NEW) == 3


def test_records_of_a_service_of_that_name_before_are_none_of_ours() -> None:
    other = record(1, "3333333333", "c")
    other["metadata"]["ownerReferences"] = [{"uid": "an earlier one"}]
    assert [item.revision for item in made(other, record(2, OLD, "a")).records] == [OLD]


def test_a_stopped_revision_is_said_to_be_stopped() -> None:
    raw = shifting(stage="Halted")
    assert overview(Objects(raw, revisions=(record(3, NEW, "b"),)), NOW).records[0].state == "stopped"


@pytest.mark.parametrize(("wanted", "number"), [("2", 2), (NEW, 3), ("2222", 3), ("3333", 1), ("9", None), ("", None)])
def test_a_record_is_found_by_number_or_name(wanted: str, number: int | None) -> None:
    records = made(record(3, NEW, "b"), record(2, OLD, "a"), record(1, "3333333333", "c")).records
    found = find(records, wanted)
    assert (found.number if found else None) == number


def test_the_one_before_is_that_of_the_next_smaller_number() -> None:
    records = made(record(9, NEW, "b"), record(4, OLD, "a"), record(1, "3333333333", "c")).records
    found = before(records, records[2])
    assert found is not None
    assert found.number == 4
    assert before(records, records[0]) is None


def test_a_difference_is_said_in_the_words_of_the_spec() -> None:
    old = {
        "model": {"digest": digest("a"), "source": {"pvc": {"claimName": "models", "path": "v1"}}},
        "engine": {"workers": 2},
        "pod": {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
    }
    new = {
        "model": {"digest": digest("b"), "source": {"image": {"reference": "m:2"}}},
        "resources": {"limits": {"cpu": "4"}},
        "engine": {"workers": 4},
        "pod": {"env": [{"name": "B", "value": "3"}, {"name": "A", "value": "1"}]},
    }
    assert [change.sentence for change in changes(old, new)] == [
        f"model.digest: {digest('a')} becomes {digest('b')}",
        "model.source.pvc.claimName: models is removed",
        "model.source.pvc.path: v1 is removed",
        "model.source.image.reference: m:2 is added",
        "engine.workers: 2 becomes 4",
        "pod.env[B].value: 2 becomes 3",
        "resources.limits.cpu: 4 is added",
    ]


@pytest.mark.parametrize(
    ("old", "new", "sentences"),
    [
        ({"a": [1, 2]}, {"a": [1, 3]}, ["a[1]: 2 becomes 3"]),
        ({"a": {}}, {"a": {"b": False}}, ["a.b: false is added"]),
        ({"a": 1}, {"a": {"b": 2}}, ["a.b: 2 is added"]),
        ({"a": {"b": None}}, {}, []),
        ({"a": "x"}, {"a": "x"}, []),
    ],
)
def test_lists_and_empty_objects_are_compared_by_what_is_in_them(old: Json, new: Json, sentences: list[str]) -> None:
    assert [change.sentence for change in changes(old, new)] == sentences


def test_a_record_without_a_spec_is_compared_by_model_and_image() -> None:
    old, new = made(record(1, OLD, "a"), record(2, NEW, "b", {"model": {}})).records
    assert [change.path for change in changes_between(old, new)] == ["model.digest"]


def test_replicas_and_rollout_make_no_revision() -> None:
    spec = {"model": {"digest": "x"}, "replicas": 2, "rollout": {}, "disruption": {}, "traffic": {}, "image": None}
    assert revision_part(spec) == {"model": {"digest": "x"}}


def field_manager(name: str, *paths: str) -> Json:
    return {"managedFields": [{"manager": name, "fieldsV1": {path: {} for path in paths}}]}


@pytest.mark.parametrize(
    ("metadata", "owner"),
    [
        ({}, None),
        ({"annotations": {"meta.helm.sh/release-name": "ocr"}}, Owner("Helm", "ocr", reverts=False)),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "a:b"}}, Owner("Argo CD", "a:b", reverts=True)),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, Owner("Flux", "apps", reverts=True)),
        (field_manager("helm", "f:spec"), Owner("Helm", "", reverts=False)),
        (field_manager("helm", "f:metadata"), None),
        (field_manager("kubectl", "f:spec"), None),
        (field_manager("argocd-controller", "f:spec"), Owner("Argo CD", "", reverts=True)),
    ],
)
def test_the_tool_that_owns_the_spec_is_known(metadata: Json, owner: Owner | None) -> None:
    assert owner_of(service(**metadata)) == owner
