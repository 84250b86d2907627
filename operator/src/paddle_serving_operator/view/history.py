"""The revisions of a service that are on record, and what each changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from paddle_serving_operator.api.records import recorded_spec
from paddle_serving_operator.constants import LABEL_REVISION
from paddle_serving_operator.view.difference import Change, changes
from paddle_serving_operator.view.raw import Raw, moment_at, object_at, text_at, whole_at
from paddle_serving_operator.view.rollout import Rollout, Stage


@dataclass(frozen=True, slots=True)
class Record:
    """A revision on record. `number` counts up; a revision that comes back is the newest again.

    `state` is what it does now: serves, being rolled out, stopped, or "". `spec` has the fields that make it, None in a
    record of an operator that did not keep them.
    """

    number: int
    revision: str
    created: datetime | None
    model_digest: str
    image: str
    state: str
    spec: Raw | None

    @property
    def title(self) -> str:
        """Number and name."""
        return f"{self.number} ({self.revision})"


def records_of(raw: Iterable[Raw], owner: str, rollout: Rollout) -> tuple[Record, ...]:
    """The records that the PaddleService with the uid `owner` has, by number, the oldest first."""
    mine = [item for item in raw if any(one.get("uid") == owner for one in _owners(item))]
    return tuple(sorted((_record(item, rollout) for item in mine), key=lambda record: record.number))


def _owners(raw: Raw) -> tuple[Raw, ...]:
    owners = object_at(raw, "metadata").get("ownerReferences")
    return tuple(owners) if isinstance(owners, list) else ()


def _record(raw: Raw, rollout: Rollout) -> Record:
    data, revision = object_at(raw, "data"), text_at(raw, "metadata", "labels", LABEL_REVISION)
    return Record(
        number=whole_at(raw, "revision"),
        revision=revision,
        created=moment_at(raw, "metadata", "creationTimestamp"),
        model_digest=text_at(data, "modelDigest"),
        image=text_at(data, "image"),
        state=_state(revision, rollout),
        spec=recorded_spec(raw),
    )


def _state(revision: str, rollout: Rollout) -> str:
    if revision == rollout.candidate:
        stopped = rollout.stage in {Stage.HALTED, Stage.RETREATING}
        return "stopped" if stopped else "being rolled out"
    return "serves" if revision == rollout.stable else ""


def find(records: Iterable[Record], wanted: str) -> Record | None:
    """The record of a number, or of a revision's name or its beginning; None where there is none, or several."""
    found = [item for item in records if wanted == str(item.number)]
    found = found or [item for item in records if item.revision.startswith(wanted)]
    return found[0] if len(found) == 1 else None


def before(records: Iterable[Record], record: Record) -> Record | None:
    """The record with the next smaller number."""
    return max((item for item in records if item.number < record.number), key=lambda item: item.number, default=None)


def compared_with(records: Iterable[Record], newer: Record, rollout: Rollout) -> Record:
    """What a revision is compared with by default: the one that serves, else the one before, else itself."""
    known = tuple(records)
    serving = next((item for item in known if item.revision == rollout.stable), None)
    if serving is not None and serving != newer:
        return serving
    return before(known, newer) or newer


@dataclass(frozen=True, slots=True)
class Difference:
    """Two revisions and what differs."""

    older: Record
    newer: Record
    changes: tuple[Change, ...]

    @property
    def partly(self) -> bool:
        """Whether one of them is on record without its spec, so that only model and image are compared."""
        return self.older.spec is None or self.newer.spec is None


def difference_of(older: Record, newer: Record) -> Difference:
    """What differs between two revisions on record."""
    return Difference(older, newer, changes_between(older, newer))


def changes_between(old: Record, new: Record) -> tuple[Change, ...]:
    """What differs, in the words of the spec; of a record without a spec, digest and image are known."""
    if old.spec is not None and new.spec is not None:
        return changes(old.spec, new.spec)
    return changes(
        {"model": {"digest": old.model_digest}, "image": old.image},
        {"model": {"digest": new.model_digest}, "image": new.image},
    )
