import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddle_serving_runtime.consistency import EXACT, Tolerance, compare
from paddle_serving_runtime.evidence.comparisons import Evidence
from paddle_serving_runtime.evidence.fingerprint import tensor_digest
from paddle_serving_runtime.evidence.origin import Origin
from paddle_serving_runtime.evidence.processor import Processor
from paddle_serving_runtime.evidence.report import MAX_BYTES, Proof, bounded, document

DOCUMENT = Path(__file__).parents[5] / "docs/evidence.md"
NEAR = Tolerance(1e-3, 1e-5)
ORIGIN = Origin(
    model_digest=f"sha256:{'a' * 64}",
    golden_digest=f"sha256:{'b' * 64}",
    runtime_version="0.1.0",
    image_digest="",
    paddle_version="3.3.1",
    device="cpu",
    processor=Processor("AMD EPYC", ("avx2", "fma")),
    switches={"engine": "direct", "threads": 1},
)
EXACTLY = {"mode": "exact"}
BESIDE = {"allocator", "batching", "choice", "drift", "recheck", "signature", "warmup"}
"""Of a report, what is not part of the proof."""


def proof(evidence: Evidence, **others: Any) -> Proof:  # noqa: ANN401 - of Proof
    return Proof(ORIGIN, evidence, 1, 0, 1, EXACTLY, **others)


def evidence_of(*tensors: tuple[str, str, object, object]) -> Evidence:
    """Served and reference values by sample and tensor."""
    evidence = Evidence()
    for sample, tensor, got, want in tensors:
        sides = {tensor: np.asarray(got)}, {tensor: np.asarray(want)}
        evidence.add_answer(sample, sides[1])
        evidence.add("reference", compare(sample, *sides, EXACT, "served", "Paddle Inference"))
    return evidence


def entry(got: object, want: object) -> dict[str, Any]:
    (found,) = document(proof(evidence_of(("a.json", "y", got, want))))["comparisons"]
    assert isinstance(found, dict)
    return found


def test_it_says_what_was_proved_what_with_and_in_which_version_of_its_form() -> None:
    report = document(proof(evidence_of(("a.json", "y", [1.5], [1.5])), warnings=["Mind this."]))
    assert (report["reportVersion"], report["verdict"], report["warnings"]) == (1, "EngineOnly", ["Mind this."])
    assert (report["modelDigest"], report["goldenDigest"]) == (ORIGIN.model_digest, ORIGIN.golden_digest)
    assert (report["runtimeVersion"], report["imageDigest"], report["paddleVersion"]) == ("0.1.0", None, "3.3.1")
    assert (report["backend"], report["device"]) == ("Default", "cpu")
    assert (report["processor"], report["cpuFlags"]) == ("AMD EPYC", ["avx2", "fma"])
    assert (report["switches"], report["consistency"]) == ({"engine": "direct", "threads": 1}, EXACTLY)
    counts = {"comparisons": 1, "unequal": 0, "elements": 1, "differing": 0, "omitted": 0}
    assert (report["counts"], report["differences"]) == (counts, [])


def test_every_tensor_has_its_worst_element_and_the_fingerprint_of_what_paddle_answered() -> None:
    want = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    got = want.copy()
    got[1, 0] = np.nextafter(want[1, 0], np.float32(9))
    found = entry(got, want)
    assert (found["sample"], found["tensor"], found["against"]) == ("a.json", "y", "reference")
    assert (found["elements"], found["differing"], found["equal"]) == (4, 1, False)
    assert (found["index"], found["expected"], found["got"], found["ulp"]) == ([1, 0], "3.0", "3.0000002", 1)
    assert found["absolute"] == found["maxAbsoluteError"] == pytest.approx(2.4e-7, rel=0.01)
    assert found["relative"] == found["maxRelativeError"] == pytest.approx(7.9e-8, rel=0.01)
    assert found["answer"] == tensor_digest(want)


def test_what_is_not_a_finite_number_is_null_and_still_named() -> None:
    found = entry(np.array([1.0, np.nan]), np.array([1.0, 2.0]))
    assert (found["index"], found["expected"], found["got"]) == ([1], "2.0", "nan")
    assert (found["absolute"], found["maxRelativeError"]) == (None, None)


def test_tensors_that_cannot_be_paired_say_why_and_what_each_side_has() -> None:
    found = entry(np.zeros(2, np.float32), np.zeros(2))
    assert (found["kind"], found["index"], found["expected"], found["got"]) == ("dtype", [], "float64", "float32")
    assert "absolute" not in found
    found = entry(np.zeros((2, 1)), np.zeros(2))
    assert (found["kind"], found["expected"], found["got"]) == ("shape", "[2]", "[2, 1]")


def test_long_texts_are_shown_from_where_they_differ() -> None:
    text = "x" * 5000
    found = entry(np.array(f"{text}a{text}"), np.array(f"{text}b{text}"))
    assert max(len(found["expected"]), len(found["got"])) <= 256
    assert ("xxxbxxx" in found["expected"], "xxxaxxx" in found["got"]) == (True, True)


def test_half_of_a_surrogate_pair_does_not_keep_the_report_from_being_written() -> None:
    report = document(proof(evidence_of(("\udc80.json", "\ud800", ["\ud800"], ["\ud801"])), warnings=["\ud800"]))
    assert "\\ud801" in json.dumps(bounded(report)).encode().decode("unicode_escape", "surrogatepass")


def test_a_verdict_is_none_where_anything_is_not_as_it_must_be() -> None:
    evidence = evidence_of(("a.json", "y", [1.5], [1.5]))
    assert evidence.verdict == "EngineOnly"
    evidence.add_difference("Sample b.json: the service answers HTTP 500.")
    evidence.add_difference("Sample b.json: the service answers HTTP 500.")
    report = document(proof(evidence))
    assert (report["verdict"], report["differences"]) == ("None", ["Sample b.json: the service answers HTTP 500."])


def test_the_digest_of_all_answers_changes_with_any_of_them_and_not_with_their_order() -> None:
    first, second = ("a.json", "y", [1.5], [1.5]), ("b.json", "z", [2.5], [2.5])
    digests = [
        document(proof(evidence_of(*tensors)))["answersDigest"]
        for tensors in ((first, second), (second, first), (first,), (first, ("b.json", "z", [2.5], [2.75])))
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
    assert document(proof(Evidence()))["answersDigest"] is None


@given(st.lists(st.floats(0, 1e30), min_size=1, max_size=60), st.integers(4000, 30_000))
def test_of_many_comparisons_the_worst_stay_and_the_others_are_counted(errors: list[float], limit: int) -> None:
    evidence = Evidence()
    for number, error in enumerate(errors):
        got, want = {"y": np.array([1.0 + error])}, {"y": np.array([1.0])}
        evidence.add("recorded", compare(f"{number:04}.json", got, want, NEAR, "Paddle Inference", "recorded"))
    full = document(proof(evidence))
    small = bounded(full, limit)
    assert len(json.dumps(small, separators=(",", ":")).encode()) <= limit or not small["comparisons"]
    kept = small["comparisons"]
    assert small["counts"] == {**full["counts"], "omitted": len(errors) - len(kept)}
    assert kept == [each for each in full["comparisons"] if each in kept]
    left_out = [each for each in full["comparisons"] if each not in kept]
    if kept and left_out:
        assert min(each["maxRelativeError"] for each in kept) >= max(each["maxRelativeError"] for each in left_out)


def test_a_report_of_ten_thousand_tensors_with_the_longest_names_and_sentences_fits_into_a_config_map() -> None:
    evidence = Evidence()
    for number in range(10_000):
        name = f"{number:05}{'ö' * 300}"
        evidence.add("reference", compare("s" * 300, {name: np.array("ä" * 300)}, {name: np.array("")}, EXACT, "", ""))
        evidence.add_difference(f"{name} {'é' * 3000}")
    report = bounded(document(proof(evidence, warnings=["ü" * 5000 + str(number) for number in range(1000)])))
    assert len(json.dumps(report, ensure_ascii=False, separators=(",", ":")).encode()) <= MAX_BYTES
    assert report["counts"]["omitted"] == 10_000 - len(report["comparisons"])
    assert len(report["warnings"]) == 101
    assert report["warnings"][-1] == "... and 900 more"


def test_the_document_has_every_field_and_no_other() -> None:
    table = DOCUMENT.read_text().partition("## What it says")[2].partition("An entry of")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    documented = {name for cell in rows for name in re.findall(r"`(\w+)`", cell)}
    assert documented == document(proof(Evidence())).keys() | BESIDE


def test_the_documents_entry_has_the_fields_of_one() -> None:
    (example,) = re.findall(r"```json\n(\{\"sample\".*?\})\n```", DOCUMENT.read_text(), re.DOTALL)
    found = entry(np.array([1.0], np.float32), np.array([1.5], np.float32))
    assert list(json.loads(example)) == [name for name in found if name != "answer"]
