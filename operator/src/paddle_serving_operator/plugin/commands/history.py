"""`history`, `diff`: the revisions on record and what is different between them."""

from collections.abc import Callable
from datetime import UTC, datetime

import click

from paddle_serving_operator.plugin.cluster import Cluster
from paddle_serving_operator.plugin.options import Command, complete_revisions, connected, one_name, output
from paddle_serving_operator.plugin.printing import age, emit, yaml_text
from paddle_serving_operator.plugin.records import by_name, newest
from paddle_serving_operator.plugin.text import one_line, table
from paddle_serving_operator.view.history import (
    Difference,
    Record,
    before,
    changes_between,
    compared_with,
    difference_of,
)
from paddle_serving_operator.view.overview import Overview, overview
from paddle_serving_operator.view.words import short

SHOWN_CHANGES = 3


def revision_option(flag: str, text: str) -> Callable[[Command], Command]:
    """An option that takes the number or the name of a revision."""
    return click.option(flag, metavar="REVISION", help=text, shell_complete=complete_revisions)


@click.command()
@one_name
@revision_option("--revision", "Show this revision's record, by number or name.")
@output("json", "yaml")
@connected
def history(cluster: Cluster, name: str, revision: str | None, form: str | None) -> None:
    """Show the revisions on record.

    What each changed, and which one serves.
    """
    now = datetime.now(UTC)
    found = overview(cluster.objects(name, "revisions"), now)
    if revision is not None:
        record = by_name(found, revision)
        emit(form, record, lambda: yaml_text(record.spec).rstrip() if record.spec is not None else NO_SPEC)
    else:
        emit(form, found.records, lambda: _text(found, now))


NO_SPEC = "This record was made by an operator that did not keep the spec."


def _text(found: Overview, now: datetime) -> str:
    rows = [
        (
            item.number,
            item.revision,
            age(item.created, now),
            item.state,
            short(item.model_digest),
            _changed(found, item),
        )
        for item in found.records
    ]
    return table(("NUMBER", "REVISION", "AGE", "STATE", "MODEL", "CHANGED"), rows)


def _changed(found: Overview, record: Record) -> str:
    old = before(found.records, record)
    if old is None:
        return ""
    paths = [change.path for change in changes_between(old, record)]
    more = len(paths) - SHOWN_CHANGES
    return ", ".join(paths[:SHOWN_CHANGES]) + (f" and {more} more" if more > 0 else "")


@click.command()
@one_name
@revision_option("--from", "This revision, by number or name; by default the one that serves.")
@revision_option("--to", "That revision; by default the newest.")
@output("json", "yaml")
@connected
def diff(cluster: Cluster, name: str, form: str | None, **chosen: str | None) -> None:
    """Show what differs between two revisions.

    In the words of the spec. While the newest serves, it is compared with the one before.
    """
    found = overview(cluster.objects(name, "revisions"), datetime.now(UTC))
    to, start = chosen["to"], chosen["from"]
    newer = by_name(found, to) if to else newest(found)
    older = by_name(found, start) if start else compared_with(found.records, newer, found.rollout)
    difference = difference_of(older, newer)
    emit(form, difference, lambda: difference_text(difference, alone=len(found.records) == 1))


def difference_text(difference: Difference, *, alone: bool) -> str:
    """A line for each field that differs. `alone`: there is one revision on record."""
    older, newer = difference.older, difference.newer
    if older == newer and alone:
        return f"There is one revision on record, {newer.title}. Nothing to compare with."
    head = f"from {older.title} to {newer.title}"
    if difference.partly:
        head += f" (of {older.title if older.spec is None else newer.title} only model and image are on record)"
    lines = [f"  {one_line(change.sentence)}" for change in difference.changes]
    return "\n".join([head, *(lines or ["  nothing on record differs"])])
