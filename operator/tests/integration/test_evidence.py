"""What pods proved, against a real API server: in the status, in the printed columns, and as a condition of updates."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from paddle_serving_operator.constants import CONFIG_MAP, EVENT, LABEL_REVISION, PADDLE_SERVICE

from .spy import Operator
from .world import World, digest, spec

pytestmark = pytest.mark.integration

FAR = {"sample": "hello.json", "tensor": "score", "absolute": 1.2e-7, "relative": 3.4e-6}


class Pods:
    """Answers /report of every pod by the digest of its model; `recorded` has those with recorded answers."""

    def __init__(self, world: World, *recorded: str) -> None:
        self.world, self.recorded = world, {digest(letter) for letter in recorded}

    def __call__(self, url: str, body: Mapping[str, object] | None = None) -> bytes:
        if body is not None:
            raise OSError("these pods compare nothing")
        (arguments,) = {
            tuple(pod["spec"]["containers"][0]["args"])
            for pod in self.world.pods()
            if pod["status"].get("podIP") and f"//{pod['status']['podIP']}:" in url
        }
        report: dict[str, Any] = {"verdict": "EngineOnly", "samples": 3, "recorded": 0, "paddleVersion": "3.3.1"}
        report["backend"] = "OpenVINO"
        if arguments[arguments.index("--digest") + 1] in self.recorded:
            report |= {"verdict": "Recorded", "recorded": 3, "largestDifference": FAR}
        return json.dumps(report).encode()


def columns(world: World, name: str) -> dict[str, Any]:
    """What `kubectl get -o wide` prints."""
    table = world.plane.table(world.path(PADDLE_SERVICE, name))
    return dict(zip((one["name"] for one in table["columnDefinitions"]), table["rows"][0]["cells"], strict=True))


def test_an_update_without_recorded_answers_waits_for_a_word_and_the_columns_name_revision_and_difference(
    world: World,
) -> None:
    world.kubelet |= {digest("a"): "ready", digest("b"): "ready"}
    world.create("ocr", spec("a", replicas=1))
    operator = Operator(world, "ocr", Pods(world, "a"))
    old = operator.until_healthy()
    printed = columns(world, "ocr")
    assert (printed["Consistent"], printed["Verified"]) == ("Recorded", old)
    assert (printed["Difference"], printed["Absolute"], printed["Sample"]) == (3.4e-6, 1.2e-7, "hello.json")
    told = [event["note"] for event in world.every(EVENT) if event["regarding"]["name"] == "ocr"]
    assert any("1.2e-07 (relative 3.4e-06) at sample hello.json, tensor score" in note for note in told)

    def refused() -> bool:
        operator.once()
        return bool(world.condition("ocr", "Progressing").get("reason") == "RecordedAnswersMissing")

    world.change("ocr", **spec("b", replicas=1))
    world.until("the update is refused", refused)
    assert world.selected("ocr") == old
    assert world.status("ocr")["verification"]["revision"] == old
    world.change("ocr", consistency={"require": "EngineOnly"})
    new = operator.until_healthy()
    operator.once()
    verification = world.status("ocr")["verification"]
    assert (verification["revision"], verification["verdict"]) == (new, "EngineOnly")
    assert verification["backend"] == "OpenVINO"
    assert columns(world, "ocr")["Difference"] is None


REFUSED: dict[str, Any] = {
    "verdict": "None",
    "samples": 1,
    "consistency": {"required": True},
    "differences": ["Sample hello.json, tensor text, element [0]: expected 'a', got 'b'."],
    "comparisons": [
        {"sample": "hello.json", "tensor": "text", "against": "recorded", "equal": False, "index": [0]}
        | {"expected": "a", "got": "b", "elements": 1, "differing": 1}
    ],
}


def test_the_report_of_a_refused_candidate_outlives_its_pods_and_is_replaced_by_that_of_one_that_is_right(
    world: World,
) -> None:
    world.kubelet |= {digest("a"): "ready", digest("b"): f"NotConsistent: {REFUSED['differences'][0]}"}
    world.create("ocr", spec("a", replicas=1))
    operator = Operator(world, "ocr", Pods(world, "a", "b"))
    old = operator.until_healthy()
    operator.spy.logs["ocr-"] = json.dumps({"message": "refused", "report": REFUSED})

    def told() -> bool:
        operator.once()
        return bool(world.condition("ocr", "Progressing").get("reason") == "NotConsistent")

    def gone() -> bool:
        operator.once()
        return all(pod["metadata"]["labels"][LABEL_REVISION] == old for pod in world.pods())

    world.change("ocr", **spec("b", replicas=1))
    world.until("the update is refused", told)
    world.change("ocr", **spec("a", replicas=1))
    world.until("its pods are gone", gone)
    (candidate,) = {name for name in reports(world) if name != f"ocr-{old}-report"}
    assert json.loads(reports(world)[candidate]) == REFUSED
    assert sum("log ocr-" in read for read in operator.spy.reads) == 1
    assert world.selected("ocr") == old

    world.kubelet[digest("b")] = "ready"
    world.change("ocr", **spec("b", replicas=1))
    new = operator.until_healthy()
    assert candidate == f"ocr-{new}-report"
    assert json.loads(reports(world)[candidate])["verdict"] == "Recorded"


def reports(world: World) -> dict[str, str]:
    """The reports that are kept, by the name of the ConfigMap."""
    return {
        item["metadata"]["name"]: item["data"]["report.json"]
        for item in world.every(CONFIG_MAP)
        if "report.json" in item.get("data", {})
    }
