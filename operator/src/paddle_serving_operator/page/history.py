"""The revisions on record, as the page shows them: what each changed, and what differs between two."""

from dataclasses import dataclass

from paddle_serving_operator.page.discretion import discreet
from paddle_serving_operator.view.difference import Change
from paddle_serving_operator.view.history import Record, before, changes_between, compared_with, find
from paddle_serving_operator.view.overview import Overview


@dataclass(frozen=True, slots=True)
class Row:
    """A revision on record. `changes` from the one before; None for the first one. `reported`: there is a report."""

    record: Record
    changes: tuple[Change, ...] | None
    reported: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """Two revisions. `partly`: one of them is on record without its spec, so that only model and image are compared."""

    older: Record
    newer: Record
    changes: tuple[Change, ...]
    partly: bool


def rows(found: Overview, reported: frozenset[str]) -> tuple[Row, ...]:
    """Every record, the newest first. `reported` are the revisions of which there is a report."""
    return tuple(
        Row(
            record=record,
            changes=_changes(old, record) if (old := before(found.records, record)) else None,
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
    return Difference(old, new, _changes(old, new), partly=old.spec is None or new.spec is None)


def _changes(old: Record, new: Record) -> tuple[Change, ...]:
    return tuple(map(discreet, changes_between(old, new)))
