"""What was told about a service, and when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from paddle_serving_operator.view.raw import Raw, moment_at, object_at, text_at, whole_at

TIMES = (("series", "lastObservedTime"), ("lastTimestamp",), ("eventTime",), ("metadata", "creationTimestamp"))


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `time` is when it last happened, `count` how often. `uid` tells it from others."""

    time: datetime | None
    warning: bool
    reason: str
    message: str
    count: int
    uid: str


def events_of(raw: Iterable[Raw], owner: str) -> tuple[Event, ...]:
    """The events about the object with the uid `owner`, in either API's form, the oldest first."""
    about = (item for item in raw if text_at(_about(item), "uid") == owner)
    return tuple(sorted((_event(item) for item in about), key=lambda event: (event.time is not None, event.time)))


def _about(raw: Raw) -> Raw:
    return object_at(raw, "involvedObject") or object_at(raw, "regarding")


def _event(raw: Raw) -> Event:
    times = (moment_at(raw, *path) for path in TIMES)
    return Event(
        time=next((time for time in times if time is not None), None),
        warning=text_at(raw, "type") == "Warning",
        reason=text_at(raw, "reason"),
        message=text_at(raw, "message") or text_at(raw, "note"),
        count=max(1, whole_at(raw, "count"), whole_at(raw, "series", "count")),
        uid=text_at(raw, "metadata", "uid"),
    )
