"""The table of benchmarks.path: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median, quantiles
from typing import Any

from benchmarks.figures import settled
from benchmarks.tables import markdown

BASELINE, THIS = "baseline", "this"
_PARTS = ("worker", "HAProxy", "supervisor")
_NAMES = {"path": "110 KB", "uci": "13 numbers"}

Rounds = Sequence[Mapping[str, Any]]


def table(raw: Mapping[str, Any]) -> str:
    """CPU milliseconds of a request beyond the predictor's own, in both builds, and the ratio of rounds.

    The predictor's own is told twice: of a closed loop, in which its code and data stay in the caches, and as it is in
    the servers.
    """
    ratio = "ratio of rounds: median (quartiles)"
    head = (
        *("request", "predictor in a loop", "beyond it, before and now", ratio),
        *("predictor in the servers, before and now", "beyond it, before and now", ratio),
        *(f"{part}, before and now" for part in _PARTS),
    )
    text = markdown(head, [_of(row) for row in settled(raw["rows"])])
    settings = raw["settings"]
    return (
        f"{text}\n\nBefore: commit {settings['baseline']}. Medians of {settings['rounds']} rounds; load average of the "
        f"machine at the end: {raw['machine']['load_average']}."
    )


def _of(row: Mapping[str, Any]) -> tuple[str, ...]:
    rounds = row["rounds"]
    return (
        f"{row['protocol']}, {_NAMES[row['model']]}",
        f"{median(one['alone_cpu_ms'] for one in rounds):.3f}",
        *_compared(beyond(rounds, BASELINE), beyond(rounds, THIS)),
        _both(_own(rounds, BASELINE), _own(rounds, THIS)),
        *_compared(beyond_own(rounds, BASELINE), beyond_own(rounds, THIS)),
        *(_both(_part(rounds, BASELINE, part), _part(rounds, THIS, part)) for part in _PARTS),
    )


def _compared(before: Sequence[float], now: Sequence[float]) -> tuple[str, str]:
    ratios = [new / old for new, old in zip(now, before, strict=True)]
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    return _both(before, now), f"{median(ratios):.2f} ({low:.2f} to {high:.2f})"


def _both(before: Sequence[float], now: Sequence[float]) -> str:
    return f"{median(before):.3f}, {median(now):.3f}"


def beyond(rounds: Rounds, side: str) -> list[float]:
    """CPU milliseconds of a request to a build beyond those of a run in a closed loop of the same round."""
    return [one[side]["cpu_ms"] - one["alone_cpu_ms"] for one in rounds]


def beyond_own(rounds: Rounds, side: str) -> list[float]:
    """CPU milliseconds of a request to a build beyond those of the predictor in that build, in the same round."""
    return [one[side]["cpu_ms"] - own for one, own in zip(rounds, _own(rounds, side), strict=True)]


def _own(rounds: Rounds, side: str) -> list[float]:
    """Milliseconds in the predictor as the server has measured them.

    They are by the clock, so they have in them what others took of the core meanwhile: not more than a run alone takes
    of the CPU after a rest.
    """
    return [min(one[side]["inference_ms"], one["rested_cpu_ms"]) for one in rounds]


def _part(rounds: Rounds, side: str, part: str) -> list[float]:
    return [one[side]["cpu_ms_by_process"].get(part, 0.0) for one in rounds]
