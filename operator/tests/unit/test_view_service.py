"""What a person sees of a service, its pods, proofs and events, whatever the operator's version wrote."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paddle_serving_operator.view.dump import as_json
from paddle_serving_operator.view.overview import Objects, overview, report_texts
from paddle_serving_operator.view.pods import pods_of
from paddle_serving_operator.view.proof import Element
from paddle_serving_operator.view.service import Outcome, service_of, services_of
from paddle_serving_operator.view.words import duration, short, span

from .things import (
    NEW,
    OLD,
    UID,
    Json,
    digest,
    event,
    owned,
    pod,
    proof,
    record,
    report,
    service,
    shifting,
)

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def test_a_canary_shows_both_revisions_with_shares_and_pods() -> None:
    found = service_of(shifting())
    assert [(track.role, track.revision, track.weight, track.ready) for track in found.tracks] == [
        ("stable", OLD, 80, 2),
        ("canary", NEW, 20, 1),
    ]
    assert found.explanation == "HoldingStep: The share is held."


@pytest.mark.parametrize(
    ("phase", "observed", "expected"),
    [
        ("Healthy", 2, Outcome.HEALTHY),
        ("Failed", 2, Outcome.FAILED),
        ("Invalid", 2, Outcome.FAILED),
        ("Progressing", 2, Outcome.OPEN),
        ("Healthy", 1, Outcome.OPEN),
        ("Failed", 1, Outcome.OPEN),
    ],
)
def test_the_outcome_is_that_of_the_newest_spec(phase: str, observed: int, expected: Outcome) -> None:
    found = service_of(service({"phase": phase, "observedGeneration": observed}))
    assert found.outcome is expected
    assert ("not looked at generation 2" in found.explanation) is (observed == 1)


def test_services_are_in_the_order_of_namespace_and_name() -> None:
    raw = [service(name=name, namespace=namespace) for namespace, name in (("b", "a"), ("a", "z"), ("a", "b"))]
    assert [(found.namespace, found.name) for found in services_of(raw)] == [("a", "b"), ("a", "z"), ("b", "a")]


def test_a_proof_and_its_drift_are_said_in_words() -> None:
    found = service_of(shifting()).proof
    assert found is not None
    assert found.drift is not None
    assert found.sentence == "3 golden samples agree with Paddle Inference and the recorded answers"
    assert found.drift.sentence == "1 of 3 golden samples answered differently"
    assert found.drift.worst[0].sentence == (
        "sample hello.json, tensor score, element [0, 17]: expected 0.25, got 0.75 (absolute 0.5, relative 2)"
    )


@pytest.mark.parametrize(
    ("backend", "stable", "words"),
    [
        ("OpenVINO", "Default", "; OpenVINO has computed, Default in the revision that serves"),
        ("OpenVINO", "OpenVINO", ""),
        ("OpenVINO", "", ""),
    ],
)
def test_a_drift_names_what_has_computed_where_the_two_are_not_the_same(backend: str, stable: str, words: str) -> None:
    drift = {"samples": "Golden", "asked": 3, "different": 1, "missing": 0, "complete": True}
    raw = report(drift=drift | {"backend": backend, "stableBackend": stable})
    found = overview(Objects(shifting(), reports=(raw,)), NOW).reports[NEW].proof.drift
    assert found is not None
    assert found.sentence.removeprefix("1 of 3 golden samples answered differently") == words


def test_a_report_names_the_worst_element_of_every_tensor() -> None:
    found = overview(Objects(shifting(), reports=(report(),)), NOW).reports[NEW]
    assert found.comparisons[0].worst == Element(
        "hello.json", "score", "[0, 17]", "0.25", "0.75", 0.5, 2.0, None, equal=True
    )
    assert found.proof.drift is not None
    assert [(item.tensor, item.expected, item.got) for item in found.proof.drift.worst] == [
        ("score", "0.25", "0.75"),
        ("text", "ab", "ac"),
    ]
    assert (found.model_digest, found.signed) == (digest("b"), True)


def test_a_report_is_kept_to_the_byte_and_only_that_of_this_service() -> None:
    other = report(OLD)
    other["metadata"]["ownerReferences"] = [{"uid": "somebody else"}]
    text = report()["data"]["report.json"]
    assert report_texts((report(), other, owned("x", NEW, data={})), UID) == {NEW: text}


def test_a_report_that_is_no_report_is_left_out() -> None:
    broken = owned("ocr-report", NEW, data={"report.json": "{"})
    assert overview(Objects(shifting(), reports=(broken,)), NOW).reports == {}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({}, "Running"),
        ({"phase": "Pending"}, "Pending"),
        ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        ({"containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}, "CrashLoopBackOff"),
        ({"initContainerStatuses": [{"state": {"terminated": {"exitCode": 3, "reason": "Error"}}}]}, "Init:Error"),
        ({"initContainerStatuses": [{"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]}, "Running"),
    ],
)
def test_the_state_of_a_pod_is_the_word_of_kubectl(status: Json, state: str) -> None:
    assert [found.state for found in pods_of([pod("p", OLD, **status)])] == [state]


def test_a_pod_that_is_deleted_is_terminating_and_one_without_a_revision_is_none_of_ours() -> None:
    leaving = pod("p", OLD)
    leaving["metadata"]["deletionTimestamp"] = "2026-11-29T11:59:00Z"
    assert [found.state for found in pods_of([leaving, pod("q", "")])] == ["Terminating"]


def test_events_are_those_of_the_service_in_order_in_either_form() -> None:
    later = event("RolledOut", "Done.", "2026-11-29T11:59:59.000000Z")
    first = {"metadata": {}, "regarding": {"uid": UID}, "note": "Begun.", "eventTime": "2026-11-29T11:00:00Z"}
    other = {**event("Other", "Else.", "2026-11-29T11:59:00Z"), "involvedObject": {"uid": "x"}}
    found = overview(Objects(shifting(), events=(later, other, first)), NOW)
    assert [item.message for item in found.events] == ["Begun.", "Done."]


def test_everything_is_json_in_camel_case() -> None:
    objects = Objects(shifting(), (record(1, OLD, "a"),), (report(),), (pod("p", OLD),), ())
    body = json.loads(json.dumps(as_json(overview(objects, NOW))))
    assert body["service"]["observedGeneration"] == 2
    assert body["rollout"]["steps"][1] == {
        "title": "step 1 of 2: 20%",
        "weight": 20,
        "pause": "60s",
        "state": "now",
        "left": 37.0,
    }
    assert body["reports"][NEW]["comparisons"][0]["worst"]["index"] == "[0, 17]"
    assert body["records"][0]["created"] == "2026-11-29T11:00:00Z"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PATHS = [
    "status", "status.stable", "status.canary.weight", "status.rollout", "status.rollout.step",
    "status.rollout.arrived", "status.conditions", "status.verification", "status.verification.drift",
    "status.verification.drift.worst",
    "spec", "spec.rollout", "spec.rollout.steps", "metadata", "metadata.uid",
]  # fmt: skip


@settings(deadline=None)
@given(path=st.sampled_from(PATHS), value=JSON)
def test_whatever_another_version_wrote_is_read_as_far_as_it_goes(path: str, value: Any) -> None:  # noqa: ANN401
    raw = shifting()
    place = raw
    *above, last = path.split(".")
    for name in above:
        place = place[name]
    place[last] = value
    found = overview(Objects(raw, (record(1, OLD, "a"),), (report(),), (pod("p", OLD),), ()), NOW)
    assert found.rollout.sentence
    json.dumps(as_json(found), allow_nan=False)


@settings(deadline=None)
@given(value=JSON, field=st.sampled_from(["comparisons", "drift", "largestDifference", "warnings", "signature"]))
def test_the_same_holds_for_reports(value: Any, field: str) -> None:  # noqa: ANN401
    found = overview(Objects(shifting(), reports=(report(**{field: value}),)), NOW)
    json.dumps(as_json(found), allow_nan=False)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (119, "119s"), (120, "2m"), (330, "5m30s"), (600, "10m"), (3 * 3600 - 1, "179m"), (3 * 3600, "3h"),
        (5 * 3600 + 60, "5h1m"), (30 * 3600, "30h"), (2 * 86400, "2d"), (3 * 86400 + 4 * 3600, "3d4h"),
        (100 * 86400, "100d"), (2 * 365 * 86400 + 40 * 86400, "2y40d"), (-5, "0s"),
    ],
)  # fmt: skip
def test_spans_are_those_of_kubectl(seconds: int, text: str) -> None:
    assert span(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1h2m3s", 3723), ("15m", 900), ("", None), ("x", None)])
def test_durations_are_those_of_the_spec(text: str, seconds: int | None) -> None:
    found = duration(text)
    assert (found.total_seconds() if found is not None else None) == seconds


def test_a_digest_is_shortened_and_anything_else_is_not() -> None:
    assert short(digest("a")) == "sha256:aaaaaaaaaaaa…"
    assert short("sha256:abc") == "sha256:abc"


def test_a_sample_that_differs_where_nothing_is_required_is_said() -> None:
    found = service_of(service({"verification": proof() | {"unequal": "hello.json"}})).proof
    assert found is not None
    assert found.sentence.startswith("sample hello.json differs")
