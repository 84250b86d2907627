"""Which numbers of rows a model computes together with the bits of each row alone: tried, not believed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.engine.grouping import Feed, Signature, concatenate, row, rows_of, signature, split

Outputs = Mapping[str, NDArray[Any]]
Compute = Callable[[Feed], Outputs]

_NO_SAMPLES = "it has no golden samples"
_ALIKE = "its golden samples have no two rows that differ in their values and in their answers"
_OVER = "the time for the proof was over"
_DIFFERENT = "rows that are computed together get other bits than alone"
_NOT_ROWS = "the first axis of an output is not the batch"
_FAILS = "its model fails for several rows together"


@dataclass(frozen=True)
class Proof:
    """The proved numbers of rows of a run for each signature; `reasons` say why others are not proved."""

    sizes: Mapping[Signature, tuple[int, ...]]
    reasons: tuple[str, ...] = ()

    @property
    def largest(self) -> int:
        """The most rows that a run may have; 1 where nothing is proved."""
        return max((size for sizes in self.sizes.values() for size in sizes), default=1)


@dataclass(frozen=True)
class Trial:
    """What is tried: `sizes` are numbers of rows, for `seconds` of `clock` at most, for all signatures together."""

    sizes: tuple[int, ...]
    seconds: float
    clock: Callable[[], float]


def prove(compute: Compute, feeds: Sequence[Feed], trial: Trial) -> Proof:
    """Computes rows of `feeds`, and rows made of them, together and alone, every row in every position.

    A size is proved for the signature of a feed where every row has the bits that it has alone, in every output.
    `compute` may raise anything for rows that the model cannot compute.
    """
    until = trial.clock() + trial.seconds
    proved: dict[Signature, tuple[int, ...]] = {}
    reasons: dict[str, None] = {}
    by_signature: dict[Signature, list[Feed]] = {}
    for feed in feeds:
        if count := rows_of(feed):
            by_signature.setdefault(signature(feed), []).extend(row(feed, number) for number in range(count))
    for key, rows in by_signature.items():
        pool = _answered(compute, rows, max(trial.sizes))
        if len({_bits(answer) for _, answer in pool}) < 2:  # noqa: PLR2004 - rows with one answer look independent
            reasons[_ALIKE] = None
            continue
        sizes = []
        for size in trial.sizes:
            reason = _objection(compute, pool, size, lambda: trial.clock() > until)
            if reason:
                reasons[f"{size} rows: {reason}"] = None
            else:
                sizes.append(size)
        if sizes:
            proved[key] = tuple(sizes)
    if not by_signature:
        reasons[_NO_SAMPLES] = None
    return Proof(proved, tuple(reasons))


def described(proof: Proof) -> dict[str, Any]:
    """The proof as JSON: the largest number of rows, the sizes with the shapes of one row, and why not others."""
    shapes = [
        {"inputs": {name: list(shape) for name, _, shape in key}, "rows": list(sizes)}
        for key, sizes in proof.sizes.items()
    ]
    return {"maxRows": proof.largest, "proved": shapes, "notProved": list(proof.reasons)}


def same_bits(one: Outputs, other: Outputs) -> bool:
    """Whether two answers have the same outputs, types, shapes and bits."""
    return _bits(one) == _bits(other)


Pool = Sequence[tuple[Feed, Outputs]]


def _answered(compute: Compute, rows: Sequence[Feed], most: int) -> Pool:
    """Different rows, at most `most`, each with the answer that it gets alone."""
    pool: list[tuple[Feed, Outputs]] = []
    seen: set[Any] = set()
    for candidate in (*rows, *_derived(rows, most)):
        if len(pool) == most:
            break
        if _bits(candidate) in seen:
            continue
        seen.add(_bits(candidate))
        try:
            pool.append((candidate, compute(candidate)))
        except Exception:  # noqa: BLE001, S112 - a row that the model cannot compute proves nothing
            continue
    return pool


def _objection(compute: Compute, pool: Pool, size: int, over: Callable[[], bool]) -> str:
    """Why rows cannot be computed `size` together; empty where they can."""
    for start in range(len(pool)):
        if over():
            return _OVER
        members = [pool[(start + place) % len(pool)] for place in range(size)]
        try:
            outputs = compute(concatenate([feed for feed, _ in members]))
        except Exception:  # noqa: BLE001 - Paddle raises what it likes
            return _FAILS
        parts = split(outputs, [1] * size)
        if parts is None:
            return _NOT_ROWS
        if not all(same_bits(part, answer) for part, (_, answer) in zip(parts, members, strict=True)):
            return _DIFFERENT
    return ""


def _derived(rows: Sequence[Feed], most: int) -> Iterator[Feed]:
    """Rows with other floats, inside of the range of the given ones; whole numbers may be ids or lengths, and stay."""
    for step in range(1, most + 1):
        for given in rows:
            yield {name: _changed(value, step) for name, value in given.items()}


def _changed(value: NDArray[Any], step: int) -> NDArray[Any]:
    if value.dtype.kind != "f":
        return value
    changed: NDArray[Any] = np.roll(value, step, axis=-1) * value.dtype.type(1 - step / 128)
    return changed


def _bits(arrays: Mapping[str, NDArray[Any]]) -> tuple[Any, ...]:
    return tuple(
        (name, "str" if value.dtype.kind in "UO" else value.dtype.str, value.shape, _bytes(value))
        for name, value in sorted(arrays.items())
    )


def _bytes(value: NDArray[Any]) -> object:
    return tuple(value.ravel().tolist()) if value.dtype.kind in "UO" else value.tobytes()
