"""What the API server itself makes of rollouts in steps, Gateways and autoscalers; what is left to the operator."""

from typing import Any

import pytest

from paddle_serving_operator.api.parse import parse_spec
from paddle_serving_operator.constants import Key

from .control_plane import RefusedError
from .world import World, spec

pytestmark = pytest.mark.integration


def canary(*steps: dict[str, Any], **fields: object) -> dict[str, Any]:
    return {"strategy": "Canary", "steps": list(steps), **fields}


def test_every_field_of_a_rollout_is_accepted(world: World) -> None:
    full = spec(
        rollout=canary(
            {"weight": 5, "pause": "10m"},
            {"weight": 50, "pause": {}},
            {"weight": 75},
            analysis={"maxErrorRatio": 0.01, "maxLatencyRatio": 1.5, "minRequests": 500, "interval": "30s"},
            autoRollback=False,
            maxSurge=2,
            maxUnavailable="25%",
            drift={"mode": "Require", "rtol": 0.001, "samples": "Replay", "requests": 1000, "maxDifferent": 5},
        ),
        traffic={
            "mode": "Gateway",
            "parentRefs": [{"name": "public", "namespace": "gateways", "sectionName": "https", "port": 443}],
            "hostnames": ["ocr.example.com"],
        },
        autoscaling={"minReplicas": 2, "maxReplicas": 10, "cpuUtilization": 60},
    )
    stored = world.create("ocr", full)["spec"]
    assert {name: stored[name] for name in ("rollout", "traffic", "autoscaling")} == {
        "rollout": {"progressDeadline": "10m", "revisionHistoryLimit": 10, "paused": False} | full["rollout"],
        "traffic": full["traffic"],
        "autoscaling": full["autoscaling"],
    }
    assert parse_spec(Key(world.namespace, "ocr"), stored).rollout.steps[1].pause is None


CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"rollout": {"strategy": "AllAtOnce"}}, 'supported values: "BlueGreen", "Canary", "Recreate"'),
    ({"rollout": {"steps": [{"weight": 20}]}}, "steps belong to strategy Canary; remove them or change the strategy"),
    ({"rollout": {"strategy": "Recreate", "steps": [{"weight": 20}]}}, "steps belong to strategy Canary"),
    ({"rollout": {"strategy": "Canary"}}, "strategy Canary needs steps, for example [{weight: 20, pause: 60s}]"),
    ({"rollout": canary()}, "strategy Canary needs steps, for example"),
    ({"rollout": canary({"weight": 20}, {"weight": 20})}, "every step needs a weight of its own, more than in the"),
    ({"rollout": canary({"weight": 50}, {"weight": 20})}, "every step needs a weight of its own, more than in the"),
    ({"rollout": canary({"weight": 100})}, "spec.rollout.steps[0].weight"),
    ({"rollout": canary({"pause": "60s"})}, "spec.rollout.steps[0].weight: Required value"),
    (
        {"rollout": canary({"weight": 20}, analysis={})},
        "analysis looks at nothing; give maxErrorRatio, maxLatencyRatio",
    ),
    ({"rollout": canary({"weight": 20}, analysis={"minRequests": 5})}, "analysis looks at nothing"),
    ({"rollout": {"analysis": {"maxErrorRatio": 0.1}}}, "analysis looks at the steps of strategy Canary; remove it or"),
    (
        {"rollout": {"strategy": "Recreate", "drift": {"mode": "Require"}}},
        "strategy Recreate ends the pods that drift would compare with; change the strategy, or the mode of drift",
    ),
    ({"rollout": {"maxSurge": "a quarter"}}, "spec.rollout.maxSurge"),
    ({"rollout": {"maxSurge": -1}}, "give 0 to 10000 pods, or a share such as 25%"),
    ({"rollout": {"maxUnavailable": 10_001}}, "give 0 to 10000 pods, or a share such as 25%"),
    ({"disruption": {"maxUnavailable": -1}}, "give 0 to 10000 pods, or a share such as 25%"),
    ({"rollout": {"maxUnavailable": "101%"}}, "more than all pods cannot be missing; give a share of at most 100%"),
    ({"disruption": {"maxUnavailable": "999%"}}, "more than all pods cannot be missing; give a share of at most 100%"),
    ({"rollout": {"progressDeadline": "0s"}}, "no time at all would be over at once; give 1s or more"),
    ({"rollout": {"progressDeadline": "99999999999999h"}}, "write hours, minutes and seconds, for example 90s"),
    (
        {"rollout": canary({"weight": 20}, analysis={"maxErrorRatio": 0.1, "interval": "0s"})},
        "no time at all would be over at once; give 1s or more",
    ),
    ({"rollout": {"drift": {"samples": "Replay", "mode": "Ignore"}}}, "nothing would be compared with it"),
    ({"rollout": {"drift": {"samples": "Replay"}, "strategy": "Recreate"}}, "nothing would be compared with it"),
    ({"rollout": {"drift": {"mode": False}}}, "spec.rollout.drift.mode"),
    ({"rollout": {"drift": {"requests": 1001}}}, "spec.rollout.drift.requests"),
    ({"traffic": {"mode": "Gateway"}}, "mode Gateway needs parentRefs, and parentRefs need mode Gateway"),
    ({"traffic": {"mode": "Gateway", "parentRefs": []}}, "mode Gateway needs parentRefs"),
    ({"traffic": {"parentRefs": [{"name": "public"}]}}, "parentRefs need mode Gateway"),
    (
        {"traffic": {"hostnames": ["ocr.example.com"]}},
        "hostnames belong to mode Gateway; remove them or change the mode",
    ),
    ({"autoscaling": {"minReplicas": 3, "maxReplicas": 2}}, "minReplicas is more than maxReplicas"),
    ({"autoscaling": {"minReplicas": 2}}, "spec.autoscaling.maxReplicas: Required value"),
    (
        {"autoscaling": {"maxReplicas": 2, "cpuUtilization": 80, "queueSeconds": 1}},
        "an autoscaler has one goal; remove cpuUtilization or queueSeconds",
    ),
]


@pytest.mark.parametrize(("fields", "sentence"), CONTRADICTIONS)
def test_a_contradiction_is_refused_with_a_sentence(world: World, fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RefusedError) as refused:
        world.create("ocr", spec(**fields))
    assert refused.value.status in {400, 422}
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"rollout": {"maxSurge": "200%", "maxUnavailable": "100%"}},
        {"disruption": {"maxUnavailable": "099%"}},
        {"consistency": {"recheckInterval": "10s"}},
        {"consistency": {"recheckInterval": "9999h999999m"}},
    ],
)
def test_what_is_just_within_the_bounds_is_accepted(world: World, fields: dict[str, Any]) -> None:
    parse_spec(Key(world.namespace, "ocr"), world.create("ocr", spec(**fields))["spec"])


@pytest.mark.parametrize("pause", ["60s", "1h30m", {}])
def test_a_step_is_held_for_a_time_or_until_a_person_says_so(world: World, pause: object) -> None:
    created = world.create("ocr", spec(rollout=canary({"weight": 20, "pause": pause})))
    assert created["spec"]["rollout"]["steps"] == [{"weight": 20, "pause": pause}]


@pytest.mark.parametrize("pause", [5, "soon", {"until": "noon"}, ["60s"]])
def test_a_pause_that_is_none_is_told_by_the_operator(world: World, pause: object) -> None:
    """The definition has no type for what may be a text or an object."""
    world.create("ocr", spec(rollout=canary({"weight": 20}, {"weight": 50, "pause": pause})))
    world.reconciler()("ocr")
    told = world.condition("ocr", "Progressing")
    assert (told["status"], told["reason"]) == ("False", "InvalidSpec")
    assert "spec.rollout.steps[1].pause is " in told["message"]
    assert world.deployments() == set()
