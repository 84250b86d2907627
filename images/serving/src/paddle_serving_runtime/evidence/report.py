"""The report: what was proved, what with, and where the two sides are farthest apart. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from paddle_serving_runtime.consistency import Comparison, Element
from paddle_serving_runtime.evidence.comparisons import Against, Evidence
from paddle_serving_runtime.evidence.fingerprint import answers_digest
from paddle_serving_runtime.evidence.origin import Origin

VERSION = 1
MAX_BYTES = 512 * 1024
"""It is kept in a ConfigMap, which has at most 1 MiB."""

MAX_SENTENCES, MAX_SENTENCE = 100, 1000
MAX_NAME, MAX_VALUE = 256, 256
_RESERVED = 2048
"""Bytes for a signature, and for what the count of what was left out adds."""


@dataclass(frozen=True)
class Proof:
    """Everything that a report is made of.

    `samples` is the number of golden samples, `recorded` how many of them have a recorded answer, `workers` how many
    workers were asked; `consistency` is JSON: how answers were compared.
    """

    origin: Origin
    evidence: Evidence
    samples: int
    recorded: int
    workers: int
    consistency: Mapping[str, Any]
    warnings: Sequence[str] = ()


def document(proof: Proof) -> dict[str, Any]:
    """The report as JSON, without a bound; what is not a finite number is null."""
    evidence = proof.evidence
    return {
        "reportVersion": VERSION,
        "verdict": evidence.verdict,
        "samples": proof.samples,
        "recorded": proof.recorded,
        "workers": proof.workers,
        **proof.origin.as_json(),
        "consistency": dict(proof.consistency),
        "largestDifference": _largest(evidence.largest),
        "warnings": _sentences(proof.warnings),
        "differences": _sentences(evidence.differences),
        "counts": _counts(evidence),
        "answersDigest": answers_digest(evidence.answers) or None,
        "comparisons": [_entry(against, found, evidence) for (_, _, against), found in evidence.comparisons.items()],
    }


def bounded(report: Mapping[str, Any], limit: int = MAX_BYTES) -> dict[str, Any]:
    """The report in at most `limit` bytes of JSON: the comparisons that are farthest apart stay, in their order.

    `counts.omitted` says how many do not. Without any comparison the rest stays as it is, whatever its size.
    """
    entries = report["comparisons"]
    sizes = [len(orjson.dumps(entry)) + 1 for entry in entries]
    left = limit - _RESERVED - (len(orjson.dumps(report)) - sum(sizes))
    if left >= sum(sizes):
        return dict(report)
    kept = set()
    for index in sorted(range(len(entries)), key=lambda index: _rank(entries[index]), reverse=True):
        if sizes[index] > left:
            break
        left -= sizes[index]
        kept.add(index)
    return {
        **report,
        "counts": {**report["counts"], "omitted": len(entries) - len(kept)},
        "comparisons": [entry for index, entry in enumerate(entries) if index in kept],
    }


def _rank(entry: Mapping[str, Any]) -> tuple[bool, float, float]:
    """As for the largest difference; null stands for infinity."""
    errors = (entry["maxRelativeError"], entry["maxAbsoluteError"])
    relative, absolute = (math.inf if error is None else error for error in errors)
    return (not entry["equal"], relative, absolute)


def _counts(evidence: Evidence) -> dict[str, int]:
    found = evidence.comparisons.values()
    return {
        "comparisons": len(found),
        "unequal": sum(not comparison.equal for comparison in found),
        "elements": sum(comparison.elements for comparison in found),
        "differing": sum(comparison.differing for comparison in found),
        "omitted": 0,
    }


def _entry(against: Against, found: Comparison, evidence: Evidence) -> dict[str, Any]:
    """A comparison with its worst element: `expected` is the side that it was compared against."""
    entry = {
        "sample": clipped(found.sample, MAX_NAME),
        "tensor": clipped(found.tensor, MAX_NAME),
        "against": against,
        "elements": found.elements,
        "differing": found.differing,
        "maxAbsoluteError": _number(found.max_absolute_error),
        "maxRelativeError": _number(found.max_relative_error),
        "equal": found.equal,
        **worst_element(found),
    }
    if against == "reference" and (answer := evidence.answers.get((found.sample, found.tensor))):
        entry["answer"] = answer
    return entry


def worst_element(found: Comparison) -> dict[str, Any]:
    """Where the sides are farthest apart; for tensors that cannot be paired, why, and what each side has."""
    if found.worst is not None:
        return _element(found.worst)
    if found.difference is None:  # two tensors without elements
        return {}
    return {
        "kind": found.difference.kind,
        "index": [],
        "expected": clipped(found.difference.want, MAX_VALUE),
        "got": clipped(found.difference.got, MAX_VALUE),
    }


def _element(worst: Element) -> dict[str, Any]:
    expected, got = both_clipped(worst.want, worst.got)
    values = {
        "index": list(worst.index),
        "expected": expected,
        "got": got,
        "absolute": _number(worst.absolute),
        "relative": _number(worst.relative),
    }
    return values if worst.ulp is None else {**values, "ulp": worst.ulp}


def _largest(found: Comparison | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "sample": clipped(found.sample, MAX_NAME),
        "tensor": clipped(found.tensor, MAX_NAME),
        "absolute": _number(found.max_absolute_error),
        "relative": _number(found.max_relative_error),
    }


def _number(value: float) -> float | None:
    """JSON has neither infinity nor NaN."""
    return value if math.isfinite(value) else None


def _sentences(sentences: Sequence[str]) -> list[str]:
    shown = [clipped(sentence, MAX_SENTENCE) for sentence in sentences[:MAX_SENTENCES]]
    more = len(sentences) - len(shown)
    return [*shown, f"... and {more} more"] if more else shown


def both_clipped(one: str, other: str) -> tuple[str, str]:
    """Both texts from shortly before where they begin to differ, where either is too long to be shown whole."""
    if max(len(one), len(other)) <= MAX_VALUE:
        return one, other
    same = next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, same - MAX_VALUE // 4)
    before = "..." if start else ""
    first, second = (clipped(before + text[start:], MAX_VALUE) for text in (one, other))
    return first, second


def clipped(text: str, length: int) -> str:
    """The text, or its beginning; what UTF-8 cannot hold (half of a surrogate pair) is written as an escape."""
    shown = text if len(text) <= length else f"{text[: length - 3]}..."
    return shown.encode(errors="backslashreplace").decode()
