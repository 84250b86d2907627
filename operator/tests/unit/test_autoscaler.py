"""The goal of an autoscaler: processor time, or the time for which requests wait."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from paddle_serving_operator.api.fields import SpecError
from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.constants import Manifest
from paddle_serving_operator.desired.autoscaler import QUEUE_METRIC, autoscaler

MakeSpec = Callable[..., ServiceSpec]
DOCUMENT = Path(__file__).parents[3] / "docs" / "rollouts.md"


def metrics(make_spec: MakeSpec, **goal: object) -> list[Manifest]:
    wanted = make_spec(autoscaling={"maxReplicas": 5, **goal}).autoscaling
    assert wanted is not None
    found: list[Manifest] = autoscaler("ocr", wanted)["spec"]["metrics"]
    return found


@pytest.mark.parametrize(("goal", "percent"), [({}, 80), ({"cpuUtilization": 60}, 60)])
def test_without_a_goal_for_the_queue_it_is_processor_time(
    make_spec: MakeSpec, goal: dict[str, int], percent: int
) -> None:
    target = {"type": "Utilization", "averageUtilization": percent}
    assert metrics(make_spec, **goal) == [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


@pytest.mark.parametrize(
    ("seconds", "quantity"), [(0.05, "50m"), (0.001, "1m"), (1, "1"), (1.5, "1500m"), (600, "600"), (0.2999, "300m")]
)
def test_a_goal_for_the_queue_takes_its_place_in_the_api_servers_spelling(
    make_spec: MakeSpec, seconds: float, quantity: str
) -> None:
    target = {"type": "AverageValue", "averageValue": quantity}
    pods = {"metric": {"name": QUEUE_METRIC}, "target": target}
    assert metrics(make_spec, queueSeconds=seconds) == [{"type": "Pods", "pods": pods}]


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        ({"queueSeconds": 1, "cpuUtilization": 80}, "spec.autoscaling.queueSeconds is given beside cpuUtilization"),
        ({"queueSeconds": 0}, "is 0. Use a number from 0.001 to 600."),
        ({"queueSeconds": 601}, "is 601. Use a number from 0.001 to 600."),
        ({"queueSeconds": "fast"}, "Use a number"),
    ],
)
def test_two_goals_or_one_that_is_none_are_refused(make_spec: MakeSpec, goal: dict[str, object], said: str) -> None:
    with pytest.raises(SpecError, match=re.escape(said)):
        metrics(make_spec, **goal)


def test_the_document_has_a_rule_that_makes_the_metric_of_what_pods_export() -> None:
    (block,) = re.findall(r"```yaml\n(rules:\n.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    (rule,) = yaml.safe_load(block)["rules"]
    assert rule["name"]["as"] == QUEUE_METRIC
    named = set(re.findall(r"paddle_serving_\w+", rule["seriesQuery"] + rule["metricsQuery"]))
    assert named == {f"paddle_serving_queue_duration_seconds_{part}" for part in ("sum", "count")}
