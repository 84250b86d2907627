"""Which requests can share a run of a model, and whose rows are whose afterwards: pure."""

from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

Feed = Mapping[str, NDArray[Any]]
Signature = tuple[tuple[str, str, tuple[int, ...]], ...]
"""Name, type and shape beyond axis 0 of every input, by name."""


def rows_of(feed: Feed) -> int | None:
    """The common length of axis 0; None where there is none, or it is 0, or an input has a LoD."""
    lengths = {value.shape[0] if value.ndim else 0 for value in feed.values()}
    if len(lengths) != 1 or any(name.endswith(".lod") for name in feed):
        return None
    return lengths.pop() or None


def group(feeds: Sequence[Feed], limit: int) -> list[list[int]]:
    """Indices of feeds that can be concatenated on axis 0, at most `limit` together, in the order of their first.

    They have the same names, dtypes and shapes beyond axis 0; a feed without rows of its own is alone.
    """
    groups: list[list[int]] = []
    filling: dict[tuple[Any, ...], list[int]] = {}
    for index, feed in enumerate(feeds):
        key: tuple[Any, ...] = signature(feed) if rows_of(feed) is not None else (index,)
        if key not in filling or len(filling[key]) == limit:
            filling[key] = []
            groups.append(filling[key])
        filling[key].append(index)
    return groups


def concatenate(feeds: Sequence[Feed]) -> dict[str, NDArray[Any]]:
    """One feed with the rows of all, in their order; the feeds are of one group."""
    return {name: np.concatenate([feed[name] for feed in feeds]) for name in feeds[0]}


def split(outputs: Feed, rows: Sequence[int]) -> list[dict[str, NDArray[Any]]] | None:
    """Every member's rows of every output; None where an output's axis 0 is not the batch."""
    total = sum(rows)
    if rows_of(outputs) != total:
        return None
    ends = np.cumsum(rows)
    return [
        {name: value[end - count : end] for name, value in outputs.items()}
        for end, count in zip(ends.tolist(), rows, strict=True)
    ]


def cut(rows: Sequence[int], sizes: Collection[int]) -> list[int]:
    """How many members each run takes, in their order: their rows together are one of `sizes`, or it takes one member.

    A run takes as many as it can. A member shares a run only where its own number of rows is 1 or one of the sizes.
    """
    counts = []
    rest = list(rows)
    while rest:
        totals = accumulate(rest)
        fitting = [
            number
            for number, total in enumerate(totals, start=1)
            if total in sizes and all(count in sizes or count == 1 for count in rest[:number])
        ]
        counts.append(max(fitting, default=1))
        del rest[: counts[-1]]
    return counts


def row(feed: Feed, number: int) -> dict[str, NDArray[Any]]:
    """One row of a feed, as a feed."""
    return {name: value[number : number + 1] for name, value in feed.items()}


def signature(feed: Feed) -> Signature:
    """Feeds with the same one can be concatenated on axis 0."""
    # the dtype of text has its greatest length in it
    types = {name: "str" if value.dtype.kind == "U" else value.dtype.str for name, value in feed.items()}
    return tuple(sorted((name, types[name], value.shape[1:]) for name, value in feed.items()))
