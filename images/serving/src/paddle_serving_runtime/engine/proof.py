"""Which numbers of rows a model computes together with the bits of each row alone: tried, not believed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
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
_FIXED = "a request with another {} than all golden samples have is computed alone"
_FAILS = "its model fails for several rows together"


@dataclass(frozen=True)
class Proof:
    """The proved numbers of rows of a run for each signature; `reasons` say why others are not proved.

    `fixed` has a row of the inputs that were the same in every row of the proof: of a model that takes one of the first
    row for all, nothing is shown. So a request with another value shares no run.
    """

    sizes: Mapping[Signature, tuple[int, ...]]
    reasons: tuple[str, ...] = ()
    fixed: Mapping[Signature, Feed] = field(default_factory=dict)

    def covers(self, feed: Feed) -> bool:
        """Whether what was the same in every row of the proof is the same in these rows; also where it has none."""
        if not self.fixed or rows_of(feed) is None:
            return True
        fixed = self.fixed.get(signature(feed), {})
        return all(_bytes(feed[name]) == _bytes(np.repeat(one, len(feed[name]), 0)) for name, one in fixed.items())

    @property
    def largest(self) -> int:
        """The most rows that a run may have; 1 where nothing is proved."""
        return max((size for sizes in self.sizes.values() for size in sizes), default=1)


@dataclass(frozen=True)
class Trial:
    """What is tried: `sizes` are numbers of rows, until `over`, for all signatures of all models together.

    `over` is asked before every run, and a run has no more rows than were computed before it: so the whole takes no
    more than about twice that time, however slow the model is.
    """

    sizes: tuple[int, ...]
    over: Callable[[], bool]


def refused(reason: str) -> Proof:
    """Nothing is proved, and why."""
    return Proof({}, (reason,))


def within(seconds: float, clock: Callable[[], float]) -> Callable[[], bool]:
    """Whether so many seconds of the clock are over, from now on."""
    until = clock() + seconds
    return lambda: clock() > until


def prove(compute: Compute, feeds: Sequence[Feed], trial: Trial) -> Proof:
    """Computes rows of `feeds`, and rows made of them, together and alone, every row in every position.

    A size is proved for the signature of a feed where every row has the bits that it has alone, in every output. The
    small sizes of all signatures come before the large ones. `compute` may raise anything for rows that the model
    cannot compute.
    """
    reasons: dict[str, None] = {}
    pools: dict[Signature, Pool] = {}
    for key, rows in _by_signature(feeds).items():
        pool = _answered(compute, rows, max(trial.sizes), trial.over)
        if len({_bits(answer) for _, answer in pool}) > 1:  # rows with one answer look independent
            pools[key] = pool
        else:
            reasons[_OVER if trial.over() else _ALIKE] = None
    fixed = {key: found for key, pool in pools.items() if (found := _fixed(pool))}
    reasons.update((_FIXED.format(", ".join(found)), None) for found in fixed.values())
    proved: dict[Signature, tuple[int, ...]] = {}
    for size, (key, pool) in product(trial.sizes, pools.items()):
        if reason := _objection(compute, pool, size, trial.over):
            reasons[f"{size} rows: {reason}"] = None
        else:
            proved[key] = (*proved.get(key, ()), size)
    if not pools and not reasons:
        reasons[_NO_SAMPLES] = None
    return Proof(proved, tuple(reasons), fixed)


def _fixed(pool: "Pool") -> Feed:
    """A row of the inputs that are the same in every row."""
    first = pool[0][0]
    return {name: one for name, one in first.items() if len({_bytes(feed[name]) for feed, _ in pool}) == 1}


def _by_signature(feeds: Sequence[Feed]) -> dict[Signature, list[Feed]]:
    """Their rows, one by one."""
    rows: dict[Signature, list[Feed]] = {}
    for feed in feeds:
        if count := rows_of(feed):
            rows.setdefault(signature(feed), []).extend(row(feed, number) for number in range(count))
    return rows


def described(proofs: Mapping[str, Proof]) -> dict[str, Any]:
    """The proofs as JSON: the largest number of rows, the sizes with the shapes of one row, and why not others.

    `proofs` are by the node of a service, and by "" for a plain model and for a service as a whole.
    """
    shapes = [
        {
            **({"model": node} if node else {}),
            "inputs": {name: list(shape) for name, _, shape in key},
            "rows": list(sizes),
        }
        for node, proof in proofs.items()
        for key, sizes in proof.sizes.items()
    ]
    reasons = [f"{node}: {reason}" if node else reason for node, proof in proofs.items() for reason in proof.reasons]
    return {"maxRows": max(proof.largest for proof in proofs.values()), "proved": shapes, "notProved": reasons}


def same_bits(one: Outputs, other: Outputs) -> bool:
    """Whether two answers have the same outputs, types, shapes and bits."""
    return _bits(one) == _bits(other)


Pool = Sequence[tuple[Feed, Outputs]]


def _answered(compute: Compute, rows: Sequence[Feed], most: int, over: Callable[[], bool]) -> Pool:
    """Different rows, at most `most`, each with the answer that it gets alone; fewer where the time is over before."""
    pool: list[tuple[Feed, Outputs]] = []
    seen: set[Any] = set()
    for candidate in (*rows, *_derived(rows, most)):
        if len(pool) == most or over():
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
