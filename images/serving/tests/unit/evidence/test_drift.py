import numpy as np
import orjson
import pytest

from paddle_serving_runtime.consistency import EXACT, Answer, Tolerance
from paddle_serving_runtime.evidence.drift import MAX_TENSORS, Drift, Question, Samples

STABLE: Answer = {"score": np.array([0.5, 0.25]), "text": np.array("hello")}


def drift(
    *answers: Answer, tolerance: Tolerance = EXACT, samples: Samples = "Golden", stable: Answer = STABLE
) -> Drift:
    found = Drift(Question(samples, 200, tolerance))
    for number, answer in enumerate(answers):
        found.add(f"{number}.json", answer, stable)
    return found


def test_equal_answers_are_counted_and_have_no_worst_element() -> None:
    assert drift(dict(STABLE), dict(STABLE)).as_json() == {
        "samples": "Golden",
        "asked": 2,
        "different": 0,
        "missing": 0,
        "rtol": 0.0,
        "atol": 0.0,
        "tensors": [],
        "complete": True,
        "reason": "",
    }


@pytest.mark.parametrize(
    ("change", "tensor", "index", "expected", "got"),
    [
        ({"score": np.array([0.5, 0.75])}, "score", [1], "0.25", "0.75"),
        ({"score": np.array([0.5, np.nan])}, "score", [1], "0.25", "nan"),
        ({"score": np.array([0.5])}, "score", [], "[2]", "[1]"),
        ({"score": np.array([0.5, 0.25], np.float32)}, "score", [], "float64", "float32"),
        ({"text": np.array("hellp")}, "text", [], "'hello'", "'hellp'"),
        ({"more": np.array(1)}, "more", [], "none", "this tensor"),
    ],
)
def test_a_difference_names_tensor_element_and_both_values(
    change: Answer, tensor: str, index: list[int], expected: str, got: str
) -> None:
    report = drift({**STABLE, **change}).as_json()
    assert (report["asked"], report["different"], report["complete"]) == (1, 1, True)
    (entry,) = report["tensors"]
    assert (entry["sample"], entry["tensor"], entry["index"]) == ("0.json", tensor, index)
    assert (entry["expected"], entry["got"], entry["equal"]) == (expected, got, False)
    orjson.dumps(report)


def test_a_tensor_that_only_one_side_has_is_a_difference_on_either_side() -> None:
    report = drift({"text": STABLE["text"]}).as_json()
    assert report["different"] == 1
    assert report["tensors"][0]["got"] == "no such tensor"


def test_what_is_within_the_tolerance_is_told_but_is_no_difference() -> None:
    near = {**STABLE, "score": np.array([0.5, 0.251])}
    report = drift(near, tolerance=Tolerance(0.01, 0.0)).as_json()
    assert (report["different"], report["rtol"]) == (0, 0.01)
    (entry,) = report["tensors"]
    assert (entry["equal"], entry["got"]) == (True, "0.251")
    assert entry["absolute"] == pytest.approx(0.001)


def test_the_worst_come_first_and_a_hundred_at_most() -> None:
    answers = [{**STABLE, "score": np.array([0.5, 0.25 + number / 1000])} for number in range(1, 301)]
    infinite = {**STABLE, "score": np.array([np.inf, 0.25])}
    report = drift(*answers, infinite).as_json()
    assert report["different"] == 301
    entries = report["tensors"]
    assert len(entries) == MAX_TENSORS
    assert [entry["sample"] for entry in entries[:3]] == ["300.json", "299.json", "298.json"]
    assert entries[0]["absolute"] is None


def test_no_text_of_a_live_request_is_shown_and_numbers_are() -> None:
    live = {"text": np.array("Mr Smith's invoice"), "score": np.array([0.5, 0.75])}
    report = orjson.dumps(drift(live, samples="Replay").as_json()).decode()
    assert "Smith" not in report
    assert "hello" not in report
    assert '"expected":"0.25","got":"0.75"' in report


def test_what_has_no_answer_is_missing_with_the_first_reason() -> None:
    found = drift(dict(STABLE))
    found.miss("1.json", "the stable revision answers HTTP 400 (image: missing).")
    found.miss("2.json", "no such service.")
    report = found.as_json()
    assert (report["asked"], report["missing"], report["different"], report["complete"]) == (3, 2, 0, True)
    assert report["reason"] == "Sample 1.json: the stable revision answers HTTP 400 (image: missing)."
    late = found.as_json("the time is over")
    assert (late["complete"], late["reason"]) == (False, "the time is over")
