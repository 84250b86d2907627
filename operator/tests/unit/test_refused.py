"""The report of a pod that was refused comes from its log, once, and is no proof of what serves."""

import json
from typing import Any

import pytest

from paddle_serving_operator.constants import Key
from paddle_serving_operator.kube.errors import Forbidden, KubeError, NotFound, Unavailable
from paddle_serving_operator.observe.refused import ended, is_of_refused, report_in
from paddle_serving_operator.reconcile.refusals import Refusals

Pod = dict[str, Any]
KEY = Key("team-a", "ocr")
REPORT = {"verdict": "None", "consistency": {"required": True}, "comparisons": [{"sample": "飞桨.json", "got": 0.1}]}
LOG = "\n".join(
    (
        "Loading model",
        json.dumps({"level": "error", "message": "refused", "report": {"verdict": "None"}}),
        json.dumps({"level": "error", "message": "refused", "report": REPORT}),
        json.dumps({"message": "draining"}),
        '["refused"]',
        "end of a line that was cut off {",
    )
)
SAID = "NotConsistent: Sample hello.json, tensor text, element [0]: expected 'a', got 'b'."


class Logs:
    """Answers with one log, or fails."""

    def __init__(self, text: str | KubeError = LOG) -> None:
        self.text = text
        self.asked: list[tuple[str, str, str, bool]] = []

    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
        self.asked.append((namespace, pod, container, previous))
        if isinstance(self.text, KubeError):
            raise self.text
        return self.text


def pod(name: str = "ocr-1", *, said: str = SAID, restarts: int = 0, again: bool = False, ready: bool = False) -> Pod:
    end = {"terminated": {"exitCode": 3, "message": said}}
    states = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": end} if again else {"state": end}
    return {
        "metadata": {"name": name, "namespace": "team-a", "uid": f"uid of {name}"},
        "status": {
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": "serve", "restartCount": restarts, **states}],
        },
    }


def test_the_report_is_the_last_refusal_of_the_log_as_json() -> None:
    body = report_in(LOG)
    assert body is not None
    assert json.loads(body) == REPORT
    assert "飞桨" in body.decode()


@pytest.mark.parametrize("text", ["", "no json", '{"message": "refused"}', '{"message": "refused", "report": []}', "3"])
def test_a_log_without_a_report_has_none(text: str) -> None:
    assert report_in(text) is None


def test_the_log_of_an_end_is_read_once_and_the_report_kept() -> None:
    cluster, refusals = Logs(), Refusals()
    for _ in range(3):
        body = refusals.report_of(cluster, KEY, "v1", [pod()])
        assert body is not None
        assert json.loads(body) == REPORT
    assert cluster.asked == [("team-a", "ocr-1", "serve", False)]
    refusals.forget(KEY)
    assert refusals.report_of(cluster, KEY, "v1", [pod(again=True)]) == body
    assert cluster.asked[1:] == [("team-a", "ocr-1", "serve", True)]


def test_another_revision_has_a_report_of_its_own() -> None:
    cluster, refusals = Logs(), Refusals()
    refusals.report_of(cluster, KEY, "v1", [pod()])
    cluster.text = json.dumps({"message": "refused", "report": {"verdict": "None", "samples": 2}})
    assert refusals.report_of(cluster, KEY, "v2", [pod("ocr-2")]) == b'{"verdict":"None","samples":2}'


def test_a_log_that_is_not_to_be_had_now_is_asked_for_in_the_next_pass() -> None:
    cluster, refusals = Logs(Unavailable("the node does not answer")), Refusals()
    assert refusals.report_of(cluster, KEY, "v1", [pod()]) is None
    cluster.text = LOG
    assert refusals.report_of(cluster, KEY, "v1", [pod()]) is not None
    assert len(cluster.asked) == 2


@pytest.mark.parametrize("text", [NotFound("there is no such pod"), Forbidden("no right to read logs"), "no report"])
def test_a_log_without_a_report_is_asked_for_again_when_the_container_has_ended_again(text: str | KubeError) -> None:
    cluster, refusals = Logs(text), Refusals()
    for _ in range(2):
        assert refusals.report_of(cluster, KEY, "v1", [pod()]) is None
    assert len(cluster.asked) == 1
    cluster.text = LOG
    assert refusals.report_of(cluster, KEY, "v1", [pod(restarts=1, again=True)]) is not None
    assert len(cluster.asked) == 2


@pytest.mark.parametrize(
    "pods",
    [
        [],
        [pod(said="ModelInvalid: inference.pdmodel is cut off.")],
        [pod(said="")],
        [pod(), pod("ocr-2", ready=True)],
        [{"metadata": {"name": "ocr-1", "uid": "u"}, "status": {}}],
    ],
    ids=["no pods", "another end", "no message", "one is ready", "no status"],
)
def test_nothing_is_read_where_no_pod_was_refused_or_one_serves(pods: list[Pod]) -> None:
    cluster = Logs()
    assert ended(pods) is None
    assert Refusals().report_of(cluster, KEY, "v1", pods) is None
    assert not cluster.asked


@pytest.mark.parametrize(
    ("report", "refused"),
    [
        (REPORT, True),
        ({"verdict": "None", "consistency": {"required": False}}, False),
        ({"verdict": "Recorded", "consistency": {"required": True}}, False),
        ({"verdict": "None"}, False),
    ],
)
def test_a_report_without_a_verdict_is_of_a_refused_pod_where_answers_must_be_right(
    report: dict[str, Any], *, refused: bool
) -> None:
    assert is_of_refused(report) is refused
