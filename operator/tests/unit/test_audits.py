"""What pods tell of the audits of their shared runs, when they are asked, and what the status makes of it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from paddle_serving_operator.api.conditions import ConditionStatus, ConditionType, Reason
from paddle_serving_operator.api.status import ServiceStatus
from paddle_serving_operator.observe.audits import INTERVAL, MOST_DOUBLINGS, Audits
from paddle_serving_operator.rollout.events import events_between
from paddle_serving_operator.rollout.plan import next_plan

from .rollouts import KEY, NOW, OLD, STABLE, goal, pods, seen

AGREES = {"paddle_serving_batch_max_rows": 16, "paddle_serving_batch_audit_differences_total": 0}
DIFFERS = {"paddle_serving_batch_max_rows": 1, "paddle_serving_batch_audit_differences_total": 2}
ALONE = {"paddle_serving_batch_max_rows": 1, "paddle_serving_batch_audit_differences_total": 0}


def pod(name: str, ready: str = "True") -> dict[str, Any]:
    status = {"podIP": f"10.0.0.{len(name)}", "conditions": [{"type": "Ready", "status": ready}]}
    return {"metadata": {"name": name, "uid": f"uid of {name}"}, "status": status}


ONE, TWO = pod("a"), pod("bb")


class Pods:
    """Answer for their metrics, of which each has two workers; a pod without any cannot be reached."""

    def __init__(self, **metrics: Mapping[str, int]) -> None:
        self.metrics = metrics
        self.asked: list[str] = []

    def __call__(self, url: str, body: Mapping[str, object] | None = None) -> bytes:
        del body
        (name,) = (
            one["metadata"]["name"] for one in (ONE, TWO) if url == f"http://{one['status']['podIP']}:8081/metrics"
        )
        self.asked.append(name)
        if name not in self.metrics:
            raise requests.ConnectTimeout("no route")
        both = [(key, worker, value) for key, value in self.metrics[name].items() for worker in (0, 1)]
        lines = ["# TYPE a counter", *(f'{key}{{worker="{worker}"}} {float(value)}' for key, worker, value in both)]
        return "\n".join(lines).encode()


def asking(metrics: Pods) -> Callable[..., tuple[str, ...] | None]:
    """What is known of pods after so many intervals, which are looked at now and then."""
    audits = Audits(metrics)

    def after(intervals: float, *found: dict[str, Any]) -> tuple[str, ...] | None:
        return audits.differing(KEY, found or (ONE, TWO), NOW + intervals * INTERVAL)

    after(0)
    return after


def test_pods_are_asked_once_an_interval_and_not_when_they_have_just_become_ready() -> None:
    after = asking(metrics := Pods(a=AGREES, bb=AGREES))
    assert (after(0.9), metrics.asked) == (None, [])
    assert (after(1), metrics.asked) == ((), ["a", "bb"])
    after(1.9)
    assert metrics.asked == ["a", "bb"]
    metrics.metrics["bb"] = DIFFERS
    assert after(2) == ("bb",)
    assert metrics.asked == ["a", "bb"] * 2


def test_a_pod_in_which_no_requests_share_a_run_is_not_asked_again() -> None:
    after = asking(metrics := Pods(a=ALONE, bb={}))
    assert (after(1), after(2), metrics.asked) == ((), (), ["a", "bb"])


def test_a_pod_whose_audit_found_a_difference_is_named_until_it_says_otherwise_or_is_gone() -> None:
    after = asking(metrics := Pods(a=DIFFERS, bb=DIFFERS))
    assert after(1) == ("a", "bb")
    metrics.metrics["a"] = AGREES  # its container was started anew
    assert after(2) == ("bb",)
    assert after(2.1, ONE) == ()
    assert after(2.2, ONE, pod("bb", ready="False")) == ()


def test_pods_that_cannot_be_reached_are_asked_ever_more_rarely_and_say_nothing() -> None:
    after = asking(metrics := Pods())
    moments = [number / 2 for number in range(2, 100)]
    assert {after(moment) for moment in moments} == {None}
    assert len(metrics.asked) < 2 * (MOST_DOUBLINGS + 4)
    metrics.metrics["a"] = DIFFERS
    assert after(100) == ("a",)


def test_a_clock_that_is_put_back_makes_nobody_wait() -> None:
    after = asking(metrics := Pods(a=AGREES, bb=AGREES))
    after(-5)
    assert metrics.asked == ["a", "bb"]


def test_a_page_that_is_none_of_metrics_says_nothing() -> None:
    def wrong(url: str, body: Mapping[str, object] | None = None) -> bytes:
        del url, body
        return b"paddle_serving_batch_max_rows{worker=0} many"

    audits = Audits(wrong)
    assert [audits.differing(KEY, [ONE], NOW + number * INTERVAL) for number in range(2)] == [None, None]


def test_reading_waits_for_nobody_and_tells_of_news_alone() -> None:
    work: list[Callable[[], None]] = []
    woken: list[object] = []
    audits = Audits(metrics := Pods(a=AGREES, bb=AGREES), work.append, woken.append)

    def look(at: datetime) -> tuple[str, ...] | None:
        return audits.differing(KEY, [ONE, TWO], at)

    look(NOW)
    assert (look(NOW + INTERVAL), look(NOW + 2 * INTERVAL), len(work)) == (None, None, 1)
    work.pop()()
    assert woken == []
    metrics.metrics["a"] = DIFFERS
    look(NOW + 3 * INTERVAL)
    work.pop()()
    assert (woken, look(NOW + 3 * INTERVAL)) == ([KEY], ("a",))
    audits.forget(KEY)
    assert look(NOW + 3 * INTERVAL) is None


def told(before: ServiceStatus, differing: tuple[str, ...] | None) -> ServiceStatus:
    """The status of a settled service after a pass."""
    facts = replace(seen(OLD, revisions={OLD: pods(2)}), batch_differences=differing)
    return next_plan(goal(OLD), before, facts, NOW + timedelta(hours=1)).status


def test_a_difference_is_a_condition_and_an_event_that_name_the_pod_and_what_to_do() -> None:
    quiet = told(STABLE, ())
    for nothing in (quiet, told(STABLE, None)):
        assert nothing.condition(ConditionType.BATCHING) is None
    differs = told(quiet, ("ocr-1",))
    condition = differs.condition(ConditionType.BATCHING)
    assert condition is not None
    assert (condition.status, condition.reason) == (ConditionStatus.FALSE, Reason.BATCH_DIFFERENCE)
    for words in ("pod ocr-1,", "`kubectl logs ocr-1 -n models -c serve | grep 'batching is off'`", "mode to Off"):
        assert words in condition.message
    (event,) = events_between(quiet, differs)
    assert (event.warning, event.reason, event.message) == (True, Reason.BATCH_DIFFERENCE, condition.message)
    assert differs.phase is quiet.phase
    assert (told(differs, ("ocr-1",)), told(differs, None)) == (differs, differs)


def test_another_pod_is_another_event_and_no_pod_ends_it() -> None:
    first = told(STABLE, ("a",))
    (event,) = events_between(first, told(first, ("a", "b")))
    assert "in pod a, b, which" in event.message
    after = told(first, ())
    condition = after.condition(ConditionType.BATCHING)
    assert condition is not None
    assert (condition.status, condition.reason) == (ConditionStatus.TRUE, Reason.BATCHES_AGREE)
    (event,) = events_between(first, after)
    assert not event.warning


@pytest.mark.parametrize(("count", "words"), [(3, "a0, a1, a2, which"), (40, "a0, a1, a2 and 37 more, which")])
def test_a_message_stays_short_whatever_the_number_of_pods(count: int, words: str) -> None:
    condition = told(STABLE, tuple(f"a{number}" for number in range(count))).condition(ConditionType.BATCHING)
    assert condition is not None
    assert words in condition.message
