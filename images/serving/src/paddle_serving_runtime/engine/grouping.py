"""Which requests can share a run of a model, and whose rows are whose afterwards: pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Feed = Mapping[str, NDArray[Any]]


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
        key = _signature(feed) if rows_of(feed) is not None else (index,)
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


def _signature(feed: Feed) -> tuple[Any, ...]:
    # the dtype of text has its greatest length in it
    types = {name: "str" if value.dtype.kind == "U" else value.dtype.str for name, value in feed.items()}
    return tuple(sorted((name, types[name], value.shape[1:]) for name, value in feed.items()))
