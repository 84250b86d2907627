"""What a PromQL query names, by Prometheus' grammar."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser as promql


@dataclass(frozen=True)
class Named:
    """The samples that a query selects with the labels that it asks of each, and the labels that it groups by."""

    samples: dict[str, set[str]]
    grouped: set[str]


def named(query: str) -> Named:
    """Raises ValueError where the query is no PromQL."""
    found = Named({}, set())
    for node in _nodes(promql.parse(query)):
        if isinstance(node, promql.VectorSelector):
            labels = {matcher.name for matcher in node.matchers.matchers}
            found.samples.setdefault(node.name or "", set()).update(labels)
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            found.grouped.update(node.modifier.labels)
        if isinstance(node, promql.BinaryExpr) and node.modifier is not None and node.modifier.matching is not None:
            found.grouped.update(node.modifier.matching.labels)
    return found


def _nodes(node: promql.Expr) -> Iterator[promql.Expr]:
    yield node
    for attribute in ("expr", "lhs", "rhs", "vector_selector"):
        if hasattr(node, attribute):
            yield from _nodes(getattr(node, attribute))
    for argument in getattr(node, "args", ()):
        yield from _nodes(argument)


def unknown(query: str, real: dict[str, set[str]]) -> list[str]:
    """Names of samples and labels in a query that the real metrics do not have."""
    about = named(query)
    wrong = [name for name in about.samples if name not in real]
    labels = functools.reduce(set.union, (real.get(name, set()) for name in about.samples), set[str]())
    wrong += [
        f"{name}{{{label}}}"
        for name, asked in about.samples.items()
        for label in sorted(asked)
        if name in real and label not in real[name]
    ]
    return wrong + sorted(about.grouped - labels)
