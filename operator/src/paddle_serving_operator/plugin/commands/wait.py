"""`wait`: for what becomes of the change that was just made."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import click

from paddle_serving_operator.plugin.cluster import Cluster
from paddle_serving_operator.plugin.following import Duration, follow
from paddle_serving_operator.plugin.options import connected, one_name, output
from paddle_serving_operator.plugin.printing import emit, say
from paddle_serving_operator.plugin.problems import Exit, ProblemError
from paddle_serving_operator.plugin.text import one_line
from paddle_serving_operator.view.rollout import BY_HAND, Rollout, State, rollout_of
from paddle_serving_operator.view.service import Outcome, Service, service_of
from paddle_serving_operator.view.words import span


@click.command()
@one_name
@click.option("--timeout", type=Duration(), default="15m", show_default=True, help="How long at most.")
@output("json", "yaml")
@connected
def wait(cluster: Cluster, name: str, timeout: timedelta, form: str | None) -> None:
    """Wait for the outcome of the newest spec.

    Until it has all the traffic, or cannot get it. The exit status is 0 for Healthy, 3 for a rollout that failed, 4
    where the time is up, 1 for any other trouble.
    """
    told, last = "", None
    with closing(follow(cluster, name, timeout)) as changes:
        for raw in changes:
            last, rollout = service_of(raw), rollout_of(raw, datetime.now(UTC))
            if last.outcome is not Outcome.OPEN:
                emit(form, last, lambda found=last: settled(found))  # type: ignore[misc]
                raise_unless_healthy(last)
                return
            if (note := held(name, rollout)) and note != told:
                say(note, err=True)
            told = note
    seen = one_line(last.explanation) if last else ""
    raise ProblemError(f"{name} is not Healthy after {span(timeout)}. {seen}".rstrip(), Exit.TIME_OUT)


def settled(service: Service) -> str:
    """What has become of the newest spec, in words."""
    return one_line(f"{service.name} is {service.phase}. {service.explanation}".rstrip())


def raise_unless_healthy(service: Service) -> None:
    """Raises ProblemError with the exit status of a rollout that failed."""
    if service.outcome is Outcome.FAILED:
        text = f"The newest spec of {service.name} does not serve. `kubectl paddle describe {service.name}` says more."
        raise ProblemError(text, Exit.FAILED)


def held(name: str, rollout: Rollout) -> str:
    """What a person has to do for the rollout to go on, "" where nothing."""
    step = next((item for item in rollout.steps if item.state is State.NOW), None)
    if rollout.paused and rollout.steps:
        return f"{name} is paused by its spec. It goes on when spec.rollout.paused is false."
    if rollout.held:
        return f"{name} is paused. `kubectl paddle resume {name}` lets it go on."
    if step is not None and step.pause == BY_HAND:
        return f"{name} is held in {step.title}. `kubectl paddle resume {name}` lets it go on."
    return ""
