"""`describe`: everything about one service."""

from datetime import UTC, datetime

import click

from paddle_serving_operator.plugin.cluster import PARTS, Cluster
from paddle_serving_operator.plugin.options import connected, one_name, output
from paddle_serving_operator.plugin.printing import age, emit, paragraphs
from paddle_serving_operator.plugin.proofs import elements_table, proof_lines
from paddle_serving_operator.plugin.text import pairs, section, table
from paddle_serving_operator.view.overview import Overview, overview
from paddle_serving_operator.view.rollout import Step
from paddle_serving_operator.view.words import span

INDENT = "  "


@click.command()
@one_name
@output("json", "yaml")
@connected
def describe(cluster: Cluster, name: str, form: str | None) -> None:
    """Show everything about one service.

    Who answers, how far the rollout is, what was proved, what differed, and what happened.
    """
    now = datetime.now(UTC)
    found = overview(cluster.objects(name, *PARTS), now)
    emit(form, found, lambda: description(found, now))


def description(found: Overview, now: datetime) -> str:
    """The whole, in paragraphs."""
    return paragraphs(
        (_head(found, now), _revisions(found), _steps(found), _conditions(found, now), _proof(found), _drift(found),
         _pods(found, now), _events(found, now))
    )  # fmt: skip


def _head(found: Overview, now: datetime) -> str:
    service, rollout = found.service, found.rollout
    return pairs(
        (
            ("Name", service.name),
            ("Namespace", service.namespace),
            ("Age", age(service.created, now)),
            ("URL", service.url),
            ("Phase", service.phase if service.observed else "Pending"),
            ("Strategy", rollout.strategy),
            ("Rollout", rollout.sentence),
            ("Now", service.explanation),
        )
    )


def _revisions(found: Overview) -> str:
    head = ("ROLE", "NUMBER", "REVISION", "WEIGHT", "PODS", "READY", "IMAGE", "MODEL")
    rows = [
        (
            track.role,
            found.number_of(track.revision),
            track.revision,
            f"{track.weight}%",
            str(track.pods),
            str(track.ready),
            track.image,
            track.model_digest,
        )
        for track in found.service.tracks
    ]
    return section("Revisions", table(head, rows, INDENT)) if rows else ""


def _steps(found: Overview) -> str:
    steps = found.rollout.steps
    return section("Steps", table(("STATE", "STEP", "PAUSE", "LEFT"), map(_step, steps), INDENT)) if steps else ""


def _step(step: Step) -> tuple[object, ...]:
    return (step.state, step.title, step.pause, span(step.left) if step.left is not None else "")


def _conditions(found: Overview, now: datetime) -> str:
    head = ("CONDITION", "STATUS", "FOR", "REASON", "MESSAGE")
    rows = [
        (item.type, item.status, age(item.since, now), item.reason, item.message) for item in found.service.conditions
    ]
    return section("Conditions", table(head, rows, INDENT)) if rows else ""


def _proof(found: Overview) -> str:
    proof = found.service.proof
    return section("Proof", proof_lines(proof, INDENT)) if proof else ""


def _drift(found: Overview) -> str:
    """What the candidate answered differently from the revision that serves: of the report, else of the status."""
    if found.drift is None or not found.drift[1].worst:
        return ""
    revision, drift = found.drift
    title = f"Drift of revision {revision} from the one that served, the worst element of every tensor"
    return section(title, elements_table(drift.worst, INDENT))


def _pods(found: Overview, now: datetime) -> str:
    head = ("POD", "REVISION", "READY", "STATE", "RESTARTS", "AGE", "NODE")
    rows = [
        (
            pod.name,
            pod.revision,
            "yes" if pod.ready else "no",
            pod.state,
            str(pod.restarts),
            age(pod.created, now),
            pod.node,
        )
        for pod in found.pods
    ]
    return section("Pods", table(head, rows, INDENT)) if rows else ""


def _events(found: Overview, now: datetime) -> str:
    head = ("AGE", "TYPE", "REASON", "MESSAGE")
    rows = [
        (age(event.time, now), "Warning" if event.warning else "Normal", event.reason, event.message)
        for event in found.latest
    ]
    return section("Events", table(head, rows, INDENT)) if rows else ""
