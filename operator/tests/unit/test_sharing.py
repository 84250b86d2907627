import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from paddle_serving_operator.constants import Manifest
from paddle_serving_operator.observe import sharing
from paddle_serving_operator.observe.sharing import Sharing

TEXTS = st.text("ab", max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.floats(0, 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)
MANIFESTS = st.fixed_dictionaries(
    {"metadata": st.fixed_dictionaries({"generation": st.integers(1, 2), "managedFields": JSON, "labels": JSON})},
    optional={"spec": JSON, "data": JSON, "status": JSON},
)


def exactly(value: Any) -> str:  # noqa: ANN401 - JSON
    """JSON tells 1 from true and from 1.0, which are equal in Python."""
    return json.dumps(value)


def parsed(number: int, image: str = "runtime:1", generation: int = 1) -> Manifest:
    container = {"image": image, "env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 8080}]}
    metadata = {"name": f"ocr-{number}", "generation": generation, "managedFields": [{"fieldsV1": {"f:spec": {}}}]}
    found: Manifest = json.loads(json.dumps({"metadata": metadata, "spec": {"containers": [container]}, "status": {}}))
    return found


@given(st.lists(MANIFESTS, max_size=6))
def test_what_is_kept_is_what_was_told(manifests: list[Manifest]) -> None:
    memory = Sharing()
    kept = [memory.shared(manifest, None) for manifest in manifests]
    assert [exactly(one) for one in kept] == [exactly(one) for one in manifests]


@given(MANIFESTS, MANIFESTS)
def test_a_change_is_what_was_told_where_its_generation_tells_of_another_spec(
    before: Manifest, after: Manifest
) -> None:
    after["metadata"]["generation"] = before["metadata"]["generation"] + 1
    memory = Sharing()
    kept = memory.shared(after, memory.shared(before, None))
    assert kept == after
    assert exactly(kept.get("spec")) == exactly(after.get("spec"))


def test_true_in_the_place_of_1_is_another_spec() -> None:
    memory = Sharing()
    before = memory.shared({"metadata": {"generation": 1}, "spec": {"overrides": {"threads": 1}}}, None)
    after = memory.shared({"metadata": {"generation": 2}, "spec": {"overrides": {"threads": True}}}, before)
    assert after["spec"]["overrides"]["threads"] is True


def test_equal_parts_of_different_objects_are_one_in_memory() -> None:
    memory = Sharing()
    one, other = (memory.shared(parsed(number), None) for number in (1, 2))
    assert one["spec"] is other["spec"]
    assert one["metadata"]["managedFields"] is other["metadata"]["managedFields"]
    third = memory.shared(parsed(3, image="runtime:2"), None)
    assert third["spec"] is not one["spec"]
    assert third["spec"]["containers"][0]["env"] is one["spec"]["containers"][0]["env"]


def test_what_did_not_change_of_an_object_stays_as_it_is_in_memory() -> None:
    memory = Sharing()
    before = memory.shared(parsed(1), None)
    told = parsed(1)
    told["status"] = {"readyReplicas": 1}
    after = memory.shared(told, before)
    assert after["spec"] is before["spec"]
    assert after["status"] == {"readyReplicas": 1}


def test_ever_new_parts_are_forgotten_again() -> None:
    memory = Sharing()
    for number in range(sharing.MOST):
        memory.shared({"metadata": {"name": "a"}, "data": {"number": str(number)}}, None)
        memory.shared({"metadata": {"name": "b"}, "data": {"number": [number]}}, None)
    assert len(memory._parts) <= sharing.MOST + 10
