"""Every value of a report that differs from what comes out here is found, and said in words of the report."""

import copy
import itertools
from typing import Any

import numpy as np
import pytest

from images.serving.tests.unit.evidence.test_reading import CONSISTENCY, SWITCHES
from images.serving.tests.unit.evidence.test_report import NEAR, ORIGIN
from images.serving.tests.unit.evidence.test_signature import places
from paddle_serving_runtime.consistency import EXACT, Tolerance, compare
from paddle_serving_runtime.evidence.comparisons import Evidence
from paddle_serving_runtime.evidence.confirmation import Finding, origin_findings, result_findings, same_machine
from paddle_serving_runtime.evidence.report import Proof, bounded, document

RECORDED = {"y": np.array([[1.0, 2.0]]), "text": np.array("hello")}


def report_of(computed: float = 2.0001, *, served: Tolerance = EXACT, off: float = 0.0) -> dict[str, Any]:
    """A report on one sample of which Paddle Inference computes this for the second element, served with an error."""
    answer = {"y": np.array([[1.0, computed]]), "text": np.array("hello")}
    evidence = Evidence()
    evidence.add_answer("a.json", answer)
    given = {**answer, "y": answer["y"] + off}
    evidence.add("reference", compare("a.json", given, answer, served, "served", "Paddle Inference"))
    evidence.add("recorded", compare("a.json", answer, RECORDED, NEAR, "Paddle Inference", "recorded"))
    consistency = CONSISTENCY if served.exact else {**CONSISTENCY, "mode": "tolerance"}
    report = document(Proof(ORIGIN, evidence, 1, 1, 1, consistency)) | {"switches": SWITCHES}
    return copy.deepcopy(report)


def findings(report: dict[str, Any], here: dict[str, Any]) -> list[Finding]:
    return [*origin_findings(report, here), *result_findings(report, here)]


def test_a_report_of_the_same_answers_is_confirmed() -> None:
    assert findings(report_of(), report_of()) == []
    assert findings({**report_of(), "signature": {}, "drift": {}, "workers": 7}, report_of()) == []


NOT_COMPUTED = {"reportVersion", "modelDigest", "goldenDigest", "imageDigest", "workers", "consistency"}
"""What is judged before, taken from the report itself, or cannot be known."""

PLACES = [
    path
    for path in places(report_of())
    if path and path[0] not in NOT_COMPUTED and path not in {("counts",), ("counts", "omitted")}
]


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_every_value_that_is_another_here_is_found(path: tuple[Any, ...]) -> None:
    told: Any = report_of()
    parent = told
    for key in path[:-1]:
        parent = parent[key]
    value = parent[path[-1]]
    if isinstance(value, bool):
        parent[path[-1]] = not value
    elif isinstance(value, int | float):
        parent[path[-1]] = value + 1
    elif isinstance(value, str):
        parent[path[-1]] = f"{value}x"
    elif isinstance(value, list):
        parent[path[-1]] = value[:-1] if value else ["one more"]
    else:
        parent[path[-1]] = {**(value or {}), "more": {"x": 1}} if isinstance(value, dict) else {"more": 1}
    assert findings(told, report_of())


@pytest.mark.parametrize(
    ("field", "value", "finding"),
    [
        ("runtimeVersion", "0.2.0", Finding("runtime version", "0.2.0 in the report, 0.1.0 here.")),
        ("paddleVersion", "3.2.0", Finding("Paddle version", "3.2.0 in the report, 3.3.1 here.")),
        ("backend", "OpenVINO", Finding("backend", "OpenVINO in the report, Default here.")),
        ("device", "gpu:0", Finding("device", "gpu:0 in the report, cpu here.", differs=False)),
        (
            "processor",
            "Xeon",
            Finding("processor", "Xeon in the report, AMD EPYC here.", differs=False),
        ),
        (
            "cpuFlags",
            ["avx2", "avx512f"],
            Finding(
                "processor",
                "AMD EPYC in the report, AMD EPYC here. Only there: avx512f; only here: fma.",
                differs=False,
            ),
        ),
        (
            "imageDigest",
            "sha256:1",
            Finding(
                "image",
                "the report is of sha256:1; which one this is, nobody has said: --image-digest.",
                differs=False,
            ),
        ),
        (
            "switches",
            {**SWITCHES, "oneDNN": False},
            Finding("switches", "oneDNN: False in the report, True here."),
        ),
        (
            "switches",
            {**SWITCHES, "environment": {"DNNL_MAX_CPU_ISA": "AVX2"}},
            Finding("switches", "environment.DNNL_MAX_CPU_ISA: AVX2 in the report, nothing here."),
        ),
        ("verdict", "EngineOnly", Finding("answers", "verdict: EngineOnly in the report, Recorded here.")),
    ],
)
def test_what_differs_is_named_by_its_part(field: str, value: object, finding: Finding) -> None:
    assert findings({**report_of(), field: value}, report_of()) == [finding]


def test_another_image_differs_where_both_are_known() -> None:
    told, here = ({**report_of(), "imageDigest": f"sha256:{digit}"} for digit in "12")
    assert findings(told, here) == [Finding("image", "sha256:1 in the report, sha256:2 here.")]
    assert findings(told, told) == []
    unsaid = "the report does not say which one it is of, and this one is sha256:2."
    assert findings(report_of(), here) == [Finding("image", unsaid, differs=False)]
    assert findings(report_of(), report_of()) == []


def test_the_device_of_every_model_is_one_of_the_machine_and_no_switch() -> None:
    told, here = (
        report_of(computed)
        | {"switches": {**SWITCHES, "models": {"det": {"device": device, "oneDNN": True}, "rec": {"device": "cpu"}}}}
        for computed, device in ((2.0001, "gpu:0"), (2.0002, "cpu"))
    )
    assert findings(told, here) == [Finding("device", "model det: gpu:0 in the report, cpu here.", differs=False)]
    others = {"rec": {"device": "cpu"}}
    assert any(each.differs for each in findings(told | {"switches": {**SWITCHES, "models": others}}, here))


def test_an_engine_that_whoever_asked_from_outside_could_not_know_is_no_difference() -> None:
    assert findings({**report_of(), "switches": {**SWITCHES, "engine": ""}}, report_of()) == []


def test_other_answers_are_named_by_sample_tensor_and_element_with_both_values() -> None:
    found = [each.sentence for each in findings(report_of(2.0001), report_of(2.0002)) if each.part == "answers"]
    sentence = (
        "sample a.json, tensor y, element [0, 1], against recorded: the report expected 2.0, got 2.0001, "
        "here expected 2.0, got 2.0002."
    )
    assert sentence in found
    assert any("against reference" in each for each in found)
    wrong = [each.sentence for each in findings(report_of(2.0001), report_of(2.5))]
    assert (
        "sample a.json, tensor y, element [0, 1], against recorded: they are not equal here expected 2.0, got 2.5."
        in (wrong)
    )


def test_answers_that_differ_in_other_elements_than_the_worst_are_found_by_their_digest() -> None:
    told = report_of()
    entry = next(each for each in told["comparisons"] if "answer" in each)
    entry["answer"] = "0" * 64
    (found,) = findings(told, report_of())
    assert found == Finding(
        "answers",
        "sample a.json, tensor y, against reference: Paddle Inference answers something else here, by its sha256.",
    )


@pytest.mark.parametrize("field", ["processor", "device"])
def test_on_another_machine_answers_need_not_be_equal_bit_for_bit_but_within_what_was_recorded(field: str) -> None:
    told = {**report_of(2.0001), field: "another"}
    assert not same_machine(told, report_of())
    assert [each.differs for each in findings(told, report_of(2.0002))] == [False]
    assert any(each.differs for each in findings(told, report_of(2.5)))
    forged = copy.deepcopy(told)
    forged["comparisons"][0]["elements"] = 100
    assert any(each.differs for each in findings(forged, report_of()))


def test_served_answers_that_may_differ_need_not_differ_by_the_same() -> None:
    near = Tolerance(1e-3, 0)
    told, here = report_of(served=near, off=1e-5), report_of(served=near, off=2e-5)
    assert findings(told, here) == []
    changed = copy.deepcopy(told)
    next(each for each in changed["comparisons"] if "answer" in each)["answer"] = "0" * 64
    assert findings(changed, here)


def test_a_comparison_that_is_missing_twice_or_made_up_is_found() -> None:
    entries = report_of()["comparisons"]
    for changed in (entries[1:], [*entries, entries[0]], [*entries, {**entries[0], "sample": "b.json"}], []):
        assert findings({**report_of(), "comparisons": changed}, report_of())


def test_comparisons_left_out_for_their_size_are_no_difference_and_as_many_as_is_said() -> None:
    evidence = Evidence()
    for number in range(40):
        got, want = {"y": np.array([1.0 + number * 1e-6])}, {"y": np.array([1.0])}
        evidence.add("recorded", compare(f"{number:02}", got, want, NEAR, "Paddle Inference", "recorded"))
    full = document(Proof(ORIGIN, evidence, 40, 40, 1, CONSISTENCY)) | {"switches": SWITCHES}
    small = bounded(full, 9000)
    assert 0 < len(small["comparisons"]) < 40
    assert findings(small, full) == []
    for omitted in (0, small["counts"]["omitted"] + 1):
        assert findings({**small, "counts": {**small["counts"], "omitted": omitted}}, full)


def test_a_report_that_contradicts_itself_is_not_confirmed() -> None:
    assert findings({**report_of(), "consistent": False}, report_of())
    assert findings({**report_of(), "differences": ["Sample a.json differs."]}, report_of())
    for one, other in itertools.permutations((2.0001, 2.5)):
        assert any(each.differs for each in findings(report_of(one), report_of(other)))
