"""What a rollout remembers from pass to pass: `status.rollout`, as values, from and to JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias

from paddle_serving_operator.api.conditions import Reason
from paddle_serving_operator.constants import Manifest

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Why:
    """Why a candidate lost its traffic: the reason and the sentence of the condition."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Idle:
    """The stable revision is the wanted one."""


@dataclass(frozen=True, slots=True)
class Verifying:
    """A candidate has pods and no traffic. `skip`: the steps are left out once it is proved."""

    candidate: str
    since: datetime
    skip: bool = False


@dataclass(frozen=True, slots=True)
class Shifting:
    """A candidate has the share of a step, counted from 0, or is about to get it.

    `arrived`: when the share was first seen. `resumed`: the pause of this step was ended by hand.
    """

    candidate: str
    since: datetime
    step: int
    arrived: datetime | None = None
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Promoting:
    """A candidate is to have all traffic, as soon as all of its pods are Ready."""

    candidate: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Retreating:
    """A candidate had a share and is losing it. `step`: the one that it was in, counted from 0; None after the last."""

    candidate: str
    since: datetime
    why: Why
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Halted:
    """A candidate lost its share, or was aborted, and has no pods any more. `retry` starts it anew.

    `step`: the one that it was stopped in, counted from 0; None where it was in none.
    """

    candidate: str
    since: datetime
    why: Why
    step: int | None = None


Stage: TypeAlias = Idle | Verifying | Shifting | Promoting | Retreating | Halted


class Turn(StrEnum):
    """Where a service is among those whose runtime profile changed. Ahead: a person let it begin out of turn."""

    WAITING = "Waiting"
    TAKEN = "Taken"
    AHEAD = "Ahead"


@dataclass(frozen=True, slots=True)
class RolloutStatus:
    """`stable` has the traffic, None before any has it. `held`: paused by verb. `heard`: the token of the last verb.

    `turn` is None where the rollout needs none: what a spec asks for never waits for other services.
    """

    stable: str | None
    stage: Stage = Idle()
    held: bool = False
    heard: str = ""
    turn: Turn | None = None


def candidate_of(stage: Stage) -> str | None:
    """The revision that is being rolled out, None where there is none."""
    return None if isinstance(stage, Idle) else stage.candidate


def step_of(stage: Stage) -> int | None:
    """The step that a candidate is in, or was stopped in, counted from 0; None where it is in none."""
    return stage.step if isinstance(stage, Shifting | Retreating | Halted) else None


def parse_rollout(raw: Mapping[str, Any] | None) -> RolloutStatus | None:
    """As `dump_rollout` wrote it; None where there is none. Raises KeyError, TypeError or ValueError."""
    if not raw:
        return None
    return RolloutStatus(
        stable=str(raw["stable"]) if raw.get("stable") else None,
        stage=_stage(raw),
        held=bool(raw.get("held", False)),
        heard=str(raw.get("heard", "")),
        turn=Turn(raw["turn"]) if raw.get("turn") else None,
    )


def _stage(raw: Mapping[str, Any]) -> Stage:
    name = raw["stage"]
    if name == Idle.__name__:
        return Idle()
    candidate, since = str(raw["candidate"]), parse_time(raw["since"])
    match name:
        case Verifying.__name__:
            return Verifying(candidate, since, skip=bool(raw.get("skip", False)))
        case Shifting.__name__:
            arrived = parse_time(raw["arrived"]) if raw.get("arrived") else None
            return Shifting(candidate, since, int(raw.get("step", 0)), arrived, resumed=bool(raw.get("resumed", False)))
        case Promoting.__name__:
            return Promoting(candidate, since)
        case Retreating.__name__ | Halted.__name__:
            why = Why(Reason(raw["why"]["reason"]), str(raw["why"]["message"]))
            step = int(raw["step"]) if "step" in raw else None
            kind = Retreating if name == Retreating.__name__ else Halted
            return kind(candidate, since, why, step)
        case _:
            raise ValueError(f"no stage: {name!r}")


def dump_rollout(rollout: RolloutStatus | None) -> Manifest | None:
    """Its JSON, without empty fields."""
    if rollout is None:
        return None
    stage = rollout.stage
    fields: Manifest = {"stable": rollout.stable, "stage": type(stage).__name__}
    if not isinstance(stage, Idle):
        fields |= {"candidate": stage.candidate, "since": dump_time(stage.since)}
    match stage:
        case Verifying(skip=True):
            fields["skip"] = True
        case Shifting(step=step, arrived=arrived, resumed=resumed):
            fields |= {"step": step, "arrived": dump_time(arrived), "resumed": resumed or None}
        case Retreating(why=why, step=at) | Halted(why=why, step=at):
            fields |= {"why": {"reason": why.reason.value, "message": why.message}, "step": at}
        case _:
            pass
    fields |= {"held": rollout.held or None, "heard": rollout.heard or None, "turn": rollout.turn}
    return {name: value for name, value in fields.items() if value is not None}


def parse_time(text: str) -> datetime:
    """A moment in UTC, whole seconds. Raises ValueError or TypeError."""
    return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)


def dump_time(moment: datetime | None) -> str | None:
    """The moment as the API writes it."""
    return moment.strftime(TIME_FORMAT) if moment else None
