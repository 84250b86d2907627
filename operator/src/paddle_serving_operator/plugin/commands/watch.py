"""`watch`: a rollout as it happens."""

import sys
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec

import click

from paddle_serving_operator.plugin.cluster import Cluster, part_path
from paddle_serving_operator.plugin.commands.wait import raise_unless_healthy, settled
from paddle_serving_operator.plugin.feed import Feed
from paddle_serving_operator.plugin.following import Duration, only, service_path
from paddle_serving_operator.plugin.lines import JsonLines, Lines
from paddle_serving_operator.plugin.options import connected, one_name, output
from paddle_serving_operator.plugin.printing import say
from paddle_serving_operator.plugin.problems import Exit, ProblemError
from paddle_serving_operator.plugin.text import all_visible
from paddle_serving_operator.view.overview import Objects, overview
from paddle_serving_operator.view.service import Outcome

SECOND = 1.0


@click.command()
@one_name
@click.option("--until-done", is_flag=True, help="End with Healthy (status 0) or a rollout that failed (status 3).")
@click.option("--timeout", type=Duration(), help="End after this time, with status 4.")
@click.option("--plain", is_flag=True, help="A line for each change, as where the output is no terminal.")
@output("json")
@connected
def watch(
    cluster: Cluster, name: str, timeout: timedelta | None, form: str | None, *, until_done: bool, plain: bool
) -> None:
    """Follow a rollout as it happens.

    Shares of the traffic, steps, pods, proof and events: drawn in place on a terminal, else a line for each change.
    With -o json what `describe -o json` prints, without the reports, on a line for each change. Ctrl-C ends it.
    """
    with JsonLines() if form else _show(plain=plain) as show, closing(_seen(cluster, name, timeout)) as seen:
        for objects, problem in seen:
            now = datetime.now(UTC)
            found = overview(objects if form else _shown(objects), now)
            show.update(found, now, problem)
            if until_done and found.service.outcome is not Outcome.OPEN:
                break
        else:
            raise ProblemError(f"{name} was watched for the time that was given.", Exit.TIME_OUT)
    if not form:
        say(settled(found.service))
    raise_unless_healthy(found.service)


def _show(*, plain: bool) -> Lines:
    if plain or not sys.stdout.isatty():
        return Lines()
    if find_spec("rich") is None:
        click.echo("For a live view: pip install 'paddle-serving-operator[plugin]'.", err=True)
        return Lines()
    from paddle_serving_operator.plugin.live import LiveView  # noqa: PLC0415 - rich is an extra, and slow to import

    return LiveView()


def _shown(objects: Objects) -> Objects:
    """The same, with nothing in it that a terminal would obey."""
    return Objects(**{field.name: all_visible(getattr(objects, field.name)) for field in fields(objects)})


def _seen(cluster: Cluster, name: str, limit: timedelta | None) -> Generator[tuple[Objects, str]]:
    """What there is to see, with every change and every second, and what keeps it from being seen."""
    cluster.service(name)
    parts = {part: part_path(part, cluster.namespace, name) for part in ("revisions", "pods", "events")}
    deadline = time.monotonic() + limit.total_seconds() if limit else None
    with Feed(cluster.kubectl, {"service": service_path(cluster, name), **parts}) as feed:
        while deadline is None or time.monotonic() < deadline:
            feed.take(SECOND)
            if len(feed.lists) == len(parts) + 1:
                rest = {part: feed.lists[part] for part in parts}
                objects = Objects(service=only(feed.lists["service"], name), **rest)
                problem = str(feed.problem) if feed.problem else ""
                yield objects, problem
