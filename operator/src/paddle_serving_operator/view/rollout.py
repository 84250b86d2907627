"""How far a rollout is: its stage, and what of it is done, under way, and still to come."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from paddle_serving_operator.view.raw import Raw, flag_at, moment_at, object_at, objects_at, text_at, value_at, whole_at
from paddle_serving_operator.view.words import duration, span

BY_HAND = "until resume or promote"
SUPERSEDED = "Superseded"  # the reason of a candidate that was stopped because the spec asks for another


class Stage(StrEnum):
    """Where the operator is with a rollout."""

    IDLE = "Idle"
    VERIFYING = "Verifying"
    SHIFTING = "Shifting"
    PROMOTING = "Promoting"
    RETREATING = "Retreating"
    HALTED = "Halted"


class State(StrEnum):
    """Of a step."""

    DONE = "done"
    NOW = "now"
    NEXT = "next"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a rollout: the proof, a share of the traffic, or all of it.

    `weight` in percent, None for the proof. `pause` as in the spec, "until resume or promote" for one without an end.
    `left` of the pause, None where nothing is counting.
    """

    title: str
    weight: int | None
    pause: str
    state: State
    left: timedelta | None


@dataclass(frozen=True, slots=True)
class Rollout:
    """`candidate` is to replace `stable`; both are "" where there is none. `since`: when the stage began.

    `held`: paused by verb; `paused`: by the spec. `waits`: for its turn among
    services whose profile changed. `why`: reason and sentence of a candidate that was stopped.
    """

    strategy: str
    stage: Stage
    stable: str
    candidate: str
    since: datetime | None
    held: bool
    paused: bool
    waits: bool
    why: str
    steps: tuple[Step, ...]

    @property
    def sentence(self) -> str:
        """Where the rollout is."""
        step = next((item for item in self.steps if item.state is State.NOW), None)
        held = " It is paused." if self.held or self.paused else ""
        match self.stage:
            case Stage.IDLE:
                return f"Nothing is being rolled out.{held}"
            case Stage.VERIFYING:
                doing = (
                    "has not begun: it waits for its turn" if self.waits else "is being proved; it has no traffic yet"
                )
                return f"Revision {self.candidate} {doing}.{held}"
            case Stage.SHIFTING:
                return f"Revision {self.candidate} is in {_place(step)}.{held}"
            case Stage.PROMOTING:
                return f"Revision {self.candidate} is getting all traffic.{held}"
            case Stage.RETREATING:
                return f"Revision {self.candidate} is losing its traffic{self._stopped_in}. {self.why}".rstrip()
            case Stage.HALTED:
                return f"Revision {self.candidate} was stopped{self._stopped_in}. {self.why}".rstrip()

    @property
    def _stopped_in(self) -> str:
        """The share that it had when it was stopped, where it had one."""
        step = next((item for item in self.steps[1:-1] if item.state is State.STOPPED), None)
        return f" in {step.title}" if step is not None else ""


def _place(step: Step | None) -> str:
    if step is None:
        return "its steps"
    if step.left is not None:
        return f"{step.title}, {span(step.left)} of {step.pause} left"
    return f"{step.title}, held {step.pause}" if step.pause == BY_HAND else step.title


def rollout_of(raw: Raw, now: datetime) -> Rollout:
    """The rollout in the JSON of a PaddleService. One whose operator knew no stages proves whatever it rolls out."""
    rollout, spec = object_at(raw, "status", "rollout"), object_at(raw, "spec", "rollout")
    canary = text_at(raw, "status", "canary", "revision")
    stage = _stage(text_at(rollout, "stage"), canary)
    candidate = "" if stage is Stage.IDLE else text_at(rollout, "candidate") or canary
    proved = text_at(raw, "status", "verification", "revision") == candidate
    shares = objects_at(spec, "steps")
    why = ": ".join(part for part in (text_at(rollout, "why", "reason"), text_at(rollout, "why", "message")) if part)
    return Rollout(
        strategy=text_at(spec, "strategy") or "BlueGreen",
        stage=stage,
        stable=text_at(raw, "status", "stable", "revision"),
        candidate=candidate,
        since=moment_at(rollout, "since") or moment_at(raw, "status", "progressStartedAt"),
        held=flag_at(rollout, "held"),
        paused=flag_at(spec, "paused"),
        waits=text_at(rollout, "turn") == "Waiting",
        why=why,
        steps=() if stage is Stage.IDLE else tuple(_steps(stage, rollout, shares, now, proved=proved)),
    )


def _stage(name: str, canary: str) -> Stage:
    if name in tuple(Stage):
        return Stage(name)
    return Stage.VERIFYING if canary else Stage.IDLE


def _steps(stage: Stage, rollout: Raw, shares: tuple[Raw, ...], now: datetime, *, proved: bool) -> Iterator[Step]:
    """The proof, the steps of the spec, and all traffic; no steps where it is not known which one stopped it."""
    stopped = stage in {Stage.RETREATING, Stage.HALTED}
    if stopped and proved and not _is_known(rollout, shares):
        shares = ()
    at = min(_position(stage, rollout, len(shares), proved=proved), len(shares) + 1)
    yield Step("proof", None, "", _state(0, at, stopped=stopped), None)
    for index, share in enumerate(shares, start=1):
        state = _state(index, at, stopped=stopped)
        pause, weight = _pause(share), whole_at(share, "weight")
        left = _left(pause, rollout, now) if state is State.NOW else None
        yield Step(f"step {index} of {len(shares)}: {weight}%", weight, pause, state, left)
    yield Step("all traffic", 100, "", _state(len(shares) + 1, at, stopped=stopped), None)


def _is_known(rollout: Raw, shares: tuple[Raw, ...]) -> bool:
    """Whether the step that it was stopped in is one of these, which are the newest spec's."""
    step = value_at(rollout, "step")
    return isinstance(step, int) and step < len(shares) and text_at(rollout, "why", "reason") != SUPERSEDED


def _position(stage: Stage, rollout: Raw, shares: int, *, proved: bool) -> int:
    """Which of the steps is under way, or was when the candidate was stopped."""
    positions: Mapping[Stage, int] = {
        Stage.VERIFYING: 0,
        Stage.SHIFTING: whole_at(rollout, "step") + 1,
        Stage.PROMOTING: shares + 1,
    }
    known = value_at(rollout, "step")
    stopped = known + 1 if isinstance(known, int) else int(proved)
    return positions.get(stage, stopped)


def _state(index: int, at: int, *, stopped: bool) -> State:
    if index == at:
        return State.STOPPED if stopped else State.NOW
    return State.DONE if index < at else State.NEXT


def _pause(share: Raw) -> str:
    pause = value_at(share, "pause")
    return BY_HAND if isinstance(pause, Mapping) else text_at(share, "pause")


def _left(pause: str, rollout: Raw, now: datetime) -> timedelta | None:
    arrived, whole = moment_at(rollout, "arrived"), duration(pause)
    if arrived is None or whole is None or flag_at(rollout, "resumed"):
        return None
    return max(timedelta(), arrived + whole - now)
