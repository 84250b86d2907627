"""A rollout as lines, one for each change: for logs, pipes, programs and screen readers."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Self

import click
from typing_extensions import override

from paddle_serving_operator.plugin.printing import say
from paddle_serving_operator.plugin.text import one_line
from paddle_serving_operator.view.dump import MOMENT, as_json
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
    say(f"{moment.strftime(MOMENT)} {one_line(text)}")


class JsonLines(Lines):
    """Prints what `describe -o json` does, on a line of its own, whenever something changed but the time."""

    def __init__(self) -> None:
        super().__init__()
        self._last: Overview | None = None

    @override
    def update(self, found: Overview, now: datetime, problem: str) -> None:
        """Prints the whole where it changed, and a problem once, beside it."""
        rollout = found.rollout
        still = replace(
            found, rollout=replace(rollout, steps=tuple(replace(step, left=None) for step in rollout.steps))
        )
        if still != self._last:
            click.echo(json.dumps(as_json(found), ensure_ascii=False))
        if problem and problem != self._problem:
            say(problem, err=True)
        self._last, self._problem = still, problem
