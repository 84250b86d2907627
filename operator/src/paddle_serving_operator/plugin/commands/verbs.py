"""`pause`, `resume`, `promote`, `abort`, `retry`: orders to a rollout, which the operator obeys once."""

import os
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import click

from paddle_serving_operator.api.conditions import Reason
from paddle_serving_operator.constants import ANNOTATION_VERB
from paddle_serving_operator.plugin.cluster import Cluster, part_path
from paddle_serving_operator.plugin.following import Duration, follow
from paddle_serving_operator.plugin.kubectl import Json
from paddle_serving_operator.plugin.options import connected, one_name, output
from paddle_serving_operator.plugin.printing import emit
from paddle_serving_operator.plugin.problems import Cause, Exit, KubectlError, ProblemError
from paddle_serving_operator.plugin.text import one_line
from paddle_serving_operator.view.events import Event, events_of
from paddle_serving_operator.view.overview import overview
from paddle_serving_operator.view.raw import Raw, objects_at, text_at
from paddle_serving_operator.view.rollout import rollout_of
from paddle_serving_operator.view.service import Service, service_of
from paddle_serving_operator.view.words import span

ATTEMPTS = 10  # the operator may write the status in the same moment, again and again
EVENT_SECONDS = 3.0  # the event comes right after the status
EVENT_PAUSE = 0.2

VERBS = {
    "pause": "Hold the rollout where it is.",
    "resume": "Let a rollout go on that is paused or held.",
    "promote": "Skip the steps left, never the proof.",
    "abort": "Give all traffic back and stop the rollout.",
    "retry": "Start a stopped rollout anew.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a verb: whether the operator heard it, refused it, what it said, and how far the rollout is then."""

    name: str
    verb: str
    token: str
    heard: bool
    refused: bool
    message: str
    rollout: str


def verb_command(verb: str) -> click.Command:
    """The command of a verb."""

    @click.command(verb, help=f"{VERBS[verb]}\n\nWaits until the operator has obeyed and says what came of it.")
    @one_name
    @click.option("--no-wait", is_flag=True, help="Do not wait until the operator has obeyed.")
    @click.option("--timeout", type=Duration(), default="30s", show_default=True, help="How long to wait at most.")
    @output("json", "yaml")
    @connected
    def command(cluster: Cluster, name: str, timeout: timedelta, form: str | None, *, no_wait: bool) -> None:
        answer = asked(cluster, name, verb) if no_wait else obeyed(cluster, name, verb, timeout)
        emit(form, answer, lambda: answer_text(answer))
        if answer.refused:
            raise ProblemError(f"{name} did not obey. `kubectl paddle describe {name}` says where the rollout is.")

    return command


def asked(cluster: Cluster, name: str, verb: str) -> Answer:
    """Asks for it. Raises ProblemError."""
    token = os.urandom(4).hex()
    _write(cluster, name, f"{verb} {token}")
    return Answer(name, verb, token, heard=False, refused=False, message="", rollout="")


def obeyed(cluster: Cluster, name: str, verb: str, limit: timedelta) -> Answer:
    """Asks for it and waits until the operator has heard it. Raises ProblemError."""
    before = overview(cluster.objects(name, "events"), datetime.now(UTC))
    token = asked(cluster, name, verb).token
    with closing(follow(cluster, name, limit)) as changes:
        for raw in changes:
            service = service_of(raw)
            if service.heard == token:
                told = _told(cluster, service, verb, frozenset(event.uid for event in before.events))
                rollout = rollout_of(raw, datetime.now(UTC)).sentence
                refused, message = (told.reason == Reason.VERB_REFUSED, told.message) if told else (False, "")
                return Answer(name, verb, token, heard=True, refused=refused, message=message, rollout=rollout)
            _still_ours(raw, verb, token)
    raise ProblemError(
        f"No operator has obeyed within {span(limit)}: none is running, none looks after namespace "
        f'"{cluster.namespace}", or its version knows no verbs. See `kubectl get pods -A -l '
        "app.kubernetes.io/name=paddle-serving-operator`. The order stays: an operator that comes back obeys it.",
        Exit.TIME_OUT,
    )


def answer_text(answer: Answer) -> str:
    """What came of it, in sentences."""
    if not answer.heard:
        return f"{answer.name}: `{answer.verb}` is asked for."
    return one_line(f"{answer.name}: {answer.message or f'`{answer.verb}` was heard.'} {answer.rollout}")


def _write(cluster: Cluster, name: str, order: str) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            cluster.replace(_ordered(cluster.service(name), order))
        except KubectlError as error:
            if error.cause is not Cause.CONFLICT or attempt == ATTEMPTS:
                raise
        else:
            return


def _ordered(service: Json, order: str) -> Json:
    metadata = service["metadata"]
    annotations = {**(metadata.get("annotations") or {}), ANNOTATION_VERB: order}
    return {**service, "metadata": {**metadata, "annotations": annotations}}


def _still_ours(raw: Raw, verb: str, token: str) -> None:
    """Raises ProblemError where somebody else's order stands there before this one was obeyed."""
    order = text_at(raw, "metadata", "annotations", ANNOTATION_VERB)
    if order != f"{verb} {token}":
        raise ProblemError(
            f"Another order came in between, {order or 'none'!r}: this one may not have been obeyed. "
            f"Look with `kubectl paddle describe {text_at(raw, 'metadata', 'name')}`, then repeat it."
        )


def _told(cluster: Cluster, service: Service, verb: str, known: frozenset[str]) -> Event | None:
    """The operator's event about the verb. It makes no second one of the same words within a minute."""
    deadline = time.monotonic() + EVENT_SECONDS
    while True:
        items = objects_at(cluster.kubectl.get(part_path("events", cluster.namespace, service.name)), "items")
        told = [event for event in events_of(items, service.uid) if _is_about(event, verb)]
        new = [event for event in told if event.uid not in known]
        if new or time.monotonic() > deadline:
            return next(reversed(new or told), None)
        time.sleep(EVENT_PAUSE)


def _is_about(event: Event, verb: str) -> bool:
    return event.reason in {Reason.VERB_OBEYED, Reason.VERB_REFUSED} and event.message.startswith(f"`{verb}`")
