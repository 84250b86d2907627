"""A rollout on a terminal, drawn in place."""

from collections.abc import Iterator
from datetime import datetime
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from paddle_serving_operator.plugin.lines import Lines
from paddle_serving_operator.plugin.printing import age
from paddle_serving_operator.view.overview import Overview
from paddle_serving_operator.view.rollout import State, Step
from paddle_serving_operator.view.words import short, span

SIGNS = {
    State.DONE: ("✔", "green"),
    State.NOW: ("▶", "bold cyan"),
    State.NEXT: ("·", "dim"),
    State.STOPPED: ("✘", "red"),
}
PHASES = {"Healthy": "green", "Failed": "bold red", "Invalid": "bold red", "Progressing": "cyan"}
EVENTS, PODS = 5, 12  # as many as a screen has room for
MEDIUM, WIDE = 72, 96  # columns from which there is room for bars, and for digests


class LiveView(Lines):
    """Draws the newest state over the one before. What was drawn last stays on the terminal."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        self._live = Live(console=console, auto_refresh=False)

    @override
    def __enter__(self) -> Self:
        self._live.start()
        return self

    @override
    def __exit__(self, *_: object) -> None:
        self._live.stop()

    @override
    def update(self, found: Overview, now: datetime, problem: str) -> None:
        self._live.update(screen(found, now, problem, self._live.console.width), refresh=True)


def screen(found: Overview, now: datetime, problem: str, width: int) -> RenderableType:
    """What there is to see in so many columns, the most important first: a low terminal cuts off the end."""
    return Group(*(part for part in _parts(found, now, problem, width) if part is not None))


def _parts(found: Overview, now: datetime, problem: str, width: int) -> Iterator[RenderableType | None]:
    yield _head(found, now)
    yield Text(problem, style="bold yellow") if problem else None
    yield _tracks(found, width)
    yield _steps(found)
    yield _words(found)
    yield _pods(found, now)
    yield _events(found, now)


def _head(found: Overview, now: datetime) -> RenderableType:
    service, rollout = found.service, found.rollout
    phase = (service.phase if service.observed else "") or "Pending"
    head = Text.assemble((service.name, "bold"), f" in {service.namespace}  ", (phase, PHASES.get(phase, "yellow")))
    head.append(f"  {rollout.strategy}")
    if rollout.candidate and rollout.since:
        head.append(f"  {rollout.stage} for {age(rollout.since, now)}")
    return Group(head, Rule(style="dim"))


def _tracks(found: Overview, width: int) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for track in found.service.tracks:
        number = found.number_of(track.revision)
        bar = ProgressBar(total=100, completed=track.weight, width=20)
        grid.add_row(
            Text(track.role, no_wrap=True),
            Text(f"{number or '-'} {track.revision}", style="bold", no_wrap=True),
            *([bar] if width >= MEDIUM else []),
            f"{track.weight}%",
            Text(f"{track.ready}/{track.pods}" + (" pods ready" if width >= MEDIUM else ""), no_wrap=True),
            *([Text(short(track.model_digest), style="dim", no_wrap=True)] if width >= WIDE else []),
        )
    return grid


def _steps(found: Overview) -> RenderableType | None:
    if not found.rollout.steps:
        return None
    grid = Table.grid(padding=(0, 2))
    for step in found.rollout.steps:
        sign, style = SIGNS[step.state]
        grid.add_row(Text(sign, style=style), Text(step.title, style=style), _pause(step))
    return Group("", grid)


def _pause(step: Step) -> str:
    if step.left is not None:
        return f"{span(step.left)} of {step.pause} left"
    return f"pause {step.pause}" if step.pause else ""


def _words(found: Overview) -> RenderableType:
    proof = found.service.proof
    lines = [found.service.explanation]
    if proof is not None:
        lines.append(f"Revision {proof.revision}: {proof.sentence}.")
        if proof.drift is not None:
            lines.append(f"Drift: {proof.drift.sentence}.")
            lines.extend(f"  {item.sentence}" for item in proof.drift.worst[:1] if proof.drift.different)
    return Group("", *(Text(line) for line in lines if line))


def _pods(found: Overview, now: datetime) -> RenderableType | None:
    if not found.pods:
        return None
    grid = Table.grid(padding=(0, 2))
    for pod in found.pods[:PODS]:
        style = "green" if pod.ready else "yellow"
        restarts = f"{pod.restarts} restarts" if pod.restarts else ""
        grid.add_row(Text("●" if pod.ready else "○", style=style), pod.name, pod.state, age(pod.created, now), restarts)
    more = len(found.pods) - PODS
    return Group("", grid, *([f"and {more} more pods"] if more > 0 else []))


def _events(found: Overview, now: datetime) -> RenderableType | None:
    if not found.events:
        return None
    grid = Table.grid(padding=(0, 2))
    for event in reversed(found.events[-EVENTS:]):
        style = "yellow" if event.warning else ""
        grid.add_row(Text(age(event.time, now), style="dim"), Text(event.reason, style=style), Text(event.message))
    return Group("", grid)
