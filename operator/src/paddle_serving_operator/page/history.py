"""The revisions on record, as the page shows them: what each changed, and what differs between two."""

from dataclasses import dataclass, replace

from paddle_serving_operator.page.discretion import discreet
from paddle_serving_operator.view.difference import Change
from paddle_serving_operator.view.history import Difference, Record, before, compared_with, difference_of, find
from paddle_serving_operator.view.overview import Overview


@dataclass(frozen=True, slots=True)
class Row:
    """A revision on record. `changes` from the one before; None for the first one. `reported`: there is a report."""

    record: Record
    changes: tuple[Change, ...] | None
    reported: bool


def rows(found: Overview, reported: frozenset[str]) -> tuple[Row, ...]:
    """Every record, the newest first. `reported` are the revisions of which there is a report."""
    return tuple(
        Row(
            record=record,
            changes=_discreet(difference_of(old, record)).changes if (old := before(found.records, record)) else None,
            reported=record.revision in reported,
        )
        for record in reversed(found.records)
    )


def difference(found: Overview, older: str, newer: str) -> Difference | None:
    """Between two records by number or name, "" for the usual ones; None where one is not on record."""
    new = find(found.records, newer) if newer else found.records[-1] if found.records else None
    if new is None:
        return None
    old = find(found.records, older) if older else compared_with(found.records, new, found.rollout)
    if old is None:
        return None
    return _discreet(difference_of(old, new))


def _discreet(found: Difference) -> Difference:
    return replace(found, changes=tuple(map(discreet, found.changes)))
