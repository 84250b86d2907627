"""Follows one PaddleService until something has come true or the time is up."""

import time
from collections.abc import Generator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import click
from typing_extensions import override

from paddle_serving_operator.constants import PADDLE_SERVICE
from paddle_serving_operator.plugin.cluster import Cluster, path_of
from paddle_serving_operator.plugin.feed import Feed
from paddle_serving_operator.plugin.problems import Exit, ProblemError
from paddle_serving_operator.view.raw import Raw
from paddle_serving_operator.view.words import duration


class Duration(click.ParamType[timedelta]):
    """A time such as 90s, 15m or 1h30m."""

    name = "duration"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = duration(value)
        if found is None:
            self.fail(f"{value!r} is no time. Write 90s, 15m or 1h30m.", param, ctx)
        return found


def service_path(cluster: Cluster, name: str) -> str:
    """The list that has this PaddleService alone."""
    query = urlencode({"fieldSelector": f"metadata.name={name}"})
    return f"{path_of(PADDLE_SERVICE, cluster.namespace)}?{query}"


def follow(cluster: Cluster, name: str, limit: timedelta) -> Generator[Raw]:
    """The PaddleService, again with every change; ends when the time is up.

    Raises ProblemError where there is none of this name, it is deleted meanwhile, or it cannot be seen at the end.
    """
    deadline = time.monotonic() + limit.total_seconds()
    yield cluster.service(name)
    with Feed(cluster.kubectl, {"service": service_path(cluster, name)}) as feed:
        while (left := deadline - time.monotonic()) > 0:
            if feed.take(left) and "service" in feed.lists and feed.problem is None:
                yield only(feed.lists["service"], name)
        if feed.problem is not None:
            raise ProblemError(f"{name} could not be seen any more. {feed.problem}", Exit.TIME_OUT)


def only(found: tuple[Raw, ...], name: str) -> Raw:
    """The one of a list. Raises ProblemError where it is gone."""
    if not found:
        raise ProblemError(f"{name} was deleted.")
    return found[0]
