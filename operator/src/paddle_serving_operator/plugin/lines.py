"""A rollout as lines, one for each change: for logs, pipes and screen readers."""

from datetime import datetime
from typing import Self

import click

from paddle_serving_operator.view.dump import MOMENT
from paddle_serving_operator.view.overview import Overview


class Lines:
    """Prints what is new. The events from before the first update are not."""

    def __init__(self) -> None:
        self._state = ""
        self._problem = ""
        self._events: set[tuple[str, int]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to tidy up."""

    def update(self, found: Overview, now: datetime, problem: str) -> None:
        """Prints the state where it changed, the events that are new, and a problem once."""
        events = {(event.uid, event.count): event for event in found.events}
        known = set(events) if self._events is None else self._events
        for key, event in events.items():
            if key not in known:
                _say(event.time or now, f"{'Warning' if event.warning else 'Normal'} {event.reason}: {event.message}")
        self._events = known | set(events)
        state = found.service.line
        if state != self._state:
            _say(now, state)
        if problem and problem != self._problem:
            _say(now, problem)
        self._state, self._problem = state, problem


def _say(moment: datetime, text: str) -> None:
    click.echo(f"{moment.strftime(MOMENT)} {text}")
