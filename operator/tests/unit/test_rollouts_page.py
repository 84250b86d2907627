"""docs/rollouts.md says what the code does: its examples are valid, its numbers of pods and its rows are computed."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from paddle_serving_operator.api.conditions import ConditionType, Reason
from paddle_serving_operator.api.parse import parse_spec
from paddle_serving_operator.api.status import ServiceStatus
from paddle_serving_operator.api.types import ServiceSpec, TrafficMode
from paddle_serving_operator.api.verbs import Verb, VerbName
from paddle_serving_operator.constants import Key
from paddle_serving_operator.desired.route import Division, http_route
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.plan import next_plan
from paddle_serving_operator.rollout.shares import amount, sizes

from .rollouts import NEW, NOW, OLD, STABLE, goal, pods

PAGE = (Path(__file__).parents[3] / "docs" / "rollouts.md").read_text(encoding="utf-8")
MODEL = {"digest": "sha256:" + "0f" * 32, "source": {"pvc": {"claimName": "models"}}}
PASSING = {"", Reason.SHIFTING_TRAFFIC}
"""Reasons of a moment between two rows."""
Row = tuple[str, ...]


def spec_of(fields: dict[str, Any]) -> ServiceSpec:
    return parse_spec(Key("default", "ocr-rec"), fields)


def examples() -> list[dict[str, Any]]:
    """The YAML of the page."""
    return [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)]


def services() -> dict[str, ServiceSpec]:
    """The complete examples by strategy, or by the mode of their traffic where that is not the default."""
    found = [spec_of(example["spec"]) for example in examples() if example.get("kind") == "PaddleService"]
    modes = (spec.traffic.mode for spec in found)
    ratio = TrafficMode.REPLICA_RATIO
    return {
        str(spec.rollout.strategy if mode is ratio else mode): spec for spec, mode in zip(found, modes, strict=True)
    }


def table(heading: str, columns: int, number: int = 0) -> list[Row]:
    """The cells of a table below a heading, without its first two lines."""
    below = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    tables = re.findall(r"(?:^\|.*\|\n)+", below, re.MULTILINE)
    rows = [tuple(cell.strip(" `") for cell in line.strip("|").split("|")) for line in tables[number].splitlines()[2:]]
    assert {len(row) for row in rows} == {columns}
    return rows


def test_every_strategy_and_the_gateway_have_a_complete_example() -> None:
    assert services().keys() == {"BlueGreen", "Canary", "Recreate", "Gateway"}


# the one with rules is a Prometheus adapter's; unit/test_autoscaler.py reads it
@pytest.mark.parametrize("example", [one for one in examples() if not {"kind", "rules"} & one.keys()])
def test_every_part_of_a_spec_is_valid(example: dict[str, Any]) -> None:
    spec_of({"model": MODEL} | example.get("spec", example))


def test_the_route_is_the_one_that_the_operator_makes() -> None:
    made = http_route("ocr-rec", services()["Gateway"].traffic, Division(90, 10, NEW))
    (shown,) = (example for example in examples() if example.get("kind") == "HTTPRoute")
    assert made | {"metadata": {"name": made["metadata"]["name"]}} == shown


def test_the_numbers_of_pods_are_those_that_the_operator_takes() -> None:
    for replicas, *cells in table("What a ratio of pods can say", 5):
        count = int(replicas)
        for weight, cell in zip((5, 10, 20, 50), cells, strict=True):
            old, new = sizes(count, weight, amount("25%", count))
            assert cell == f"{old} + {new} ({round(100 * new / (old + new))} %)", (replicas, weight)
    assert sizes(2, 20, 3) == (4, 1)


@dataclass
class Calm:
    """A cluster where every pod becomes Ready, one in a pass, and whose endpoints follow at once."""

    goal: Intent
    status: ServiceStatus = STABLE
    now: datetime = NOW
    wanted: dict[str, int] = field(default_factory=lambda: {OLD: 2})
    ready: dict[str, int] = field(default_factory=lambda: {OLD: 2})
    shares: frozenset[str] = frozenset({OLD})
    pinned: str | None = OLD
    ending: frozenset[str] = frozenset()

    def seen(self) -> Facts:
        asked = frozenset(name for name in self.shares if self.ready.get(name))
        return Facts(
            traffic=next(iter(self.shares)) if len(self.shares) == 1 else None,
            serving=asked | ({self.pinned} if self.pinned else set()),
            asked=asked,
            revisions={name: pods(self.ready.get(name, 0), wanted) for name, wanted in self.wanted.items()},
            answering=frozenset(name for name, wanted in self.wanted.items() if wanted) | self.ending,
            broad=len(self.shares) > 1,
            pinned=self.pinned,
        )

    def moved(self) -> Row:
        """One pass, and what then happens by itself. Returns the row of the status that is written."""
        plan = next_plan(self.goal, self.status, self.seen(), self.now)
        row = self._row(plan.status)
        settled = plan.status == self.status
        self.status, self.pinned, self.shares = plan.status, plan.stable, frozenset(plan.shares)
        gone = self.ending if not settled else frozenset()
        self.ending = gone | (self.wanted.keys() - plan.pods.keys())
        starting = next((name for name, count in plan.pods.items() if self.ready.get(name, 0) < count), None)
        self.wanted = dict(plan.pods)
        self.ready = {name: min(self.ready.get(name, 0) + (name == starting), n) for name, n in self.wanted.items()}
        self.now += timedelta(minutes=10) if row[-1] == Reason.STEP_PAUSE else timedelta(seconds=1)
        return row

    def _row(self, status: ServiceStatus) -> Row:
        progressing = status.condition(ConditionType.PROGRESSING)
        assert status.phase is not None
        assert progressing is not None
        weight = str(status.canary.weight) if status.canary else ""
        ready = f"{self.ready.get(OLD, 0)} + {self.ready.get(NEW, 0)}"
        return status.phase.value, status.step, weight, ready, progressing.reason.value

    def rows(self, passes: int) -> list[Row]:
        """Every new row of so many passes."""
        seen: list[Row] = []
        for _ in range(passes):
            row = self.moved()
            if row[-1] not in PASSING and (not seen or row != seen[-1]):
                seen.append(row)
        return seen


def canary() -> Calm:
    rollout = services()["Canary"].rollout
    return Calm(goal(NEW, steps=rollout.steps, surge=amount(rollout.max_surge, 2)))


def order(name: VerbName) -> Verb:
    return Verb(name, "token", f"{name} token")


def test_a_canary_shows_what_the_page_says() -> None:
    cluster = canary()
    held = cluster.rows(passes=10)
    cluster.goal = replace(cluster.goal, verb=order(VerbName.RESUME))
    assert held + cluster.rows(passes=20) == table("What the status shows", 5)


def test_an_abort_shows_what_the_page_says() -> None:
    cluster = canary()
    cluster.rows(passes=10)
    cluster.goal = replace(cluster.goal, verb=order(VerbName.ABORT))
    assert cluster.rows(passes=20) == table("What the status shows", 5, number=1)
