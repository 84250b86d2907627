"""The tests' own instruments raise the alarm when they must: no cluster needed."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import threading
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest
from typing_extensions import override

from e2e.lib import answers, load_generator
from e2e.lib.cluster import Cluster
from e2e.lib.defects import DEFECTS
from e2e.lib.load import Load, Tally
from e2e.lib.load_generator import Plan
from e2e.lib.session import guarded_cluster, namespace_name
from e2e.lib.sightings import Sighting
from e2e.lib.trials import GROUPS, STRATEGIES, trials
from e2e.lib.wait import NotInTime, Seen, wait_for
from e2e.lib.watch import ready_after_each_change

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.lib.cluster import Object


class EveryThirdAnswerIsLost(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    count: ClassVar[int] = 0
    lock: ClassVar[threading.Lock] = threading.Lock()

    def do_POST(self) -> None:
        cls = type(self)
        with cls.lock:
            cls.count += 1
            lost = cls.count % 3 == 0
        self.rfile.read(int(self.headers["Content-Length"]))
        if lost:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def lossy_server() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), EveryThirdAnswerIsLost)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def test_the_load_generator_counts_every_lost_answer_as_a_failure(lossy_server: int, tmp_path: Path) -> None:
    plan, file = Plan("127.0.0.1", lossy_server, "/", "", "{}", 4, 100, 1), tmp_path / "plan.json"
    file.write_text(json.dumps(asdict(plan)), encoding="utf-8")
    command = [sys.executable, load_generator.__file__, str(file)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.splitlines()
    last = json.loads(lines[-1])
    assert last["final"]
    assert last["sent"] == EveryThirdAnswerIsLost.count
    assert last["failed"] == EveryThirdAnswerIsLost.count // 3
    assert last["answers"] == {"{}": EveryThirdAnswerIsLost.count - last["failed"]}
    assert {"kept", "new"} == {failure.split()[1] for failure in last["failures"]}


@pytest.mark.parametrize(
    "tally",
    [
        Tally(6, {"right": 5}, 1, ["reset"], 0.1, 1.0),
        Tally(6, {"right": 5, "wrong": 1}, 0, [], 0.1, 1.0),
        Tally(6, {"right": 5}, 0, [], 0.1, 1.0),
        Tally(0, {}, 0, [], 0.0, 1.0),
    ],
)
def test_a_failed_request_a_wrong_answer_a_lost_one_or_none_at_all_is_not_only_right_answers(tally: Tally) -> None:
    load = Load(Cluster("none").namespace("none"), "none", [tally])
    with pytest.raises(AssertionError, match="requests"):
        load.saw_only({"right"})


def test_where_there_may_be_a_gap_a_failed_request_is_no_other_answer_but_a_wrong_or_a_lost_one_is() -> None:
    def saw(tally: Tally) -> None:
        Load(Cluster("none").namespace("none"), "none", [tally]).saw_no_other({"right"})

    saw(Tally(6, {"right": 5}, 1, ["reset"], 0.1, 1.0))
    for tally in (Tally(6, {"right": 5, "wrong": 1}, 0, [], 0.1, 1.0), Tally(6, {"right": 5}, 0, [], 0.1, 1.0)):
        with pytest.raises(AssertionError, match="requests"):
            saw(tally)


def test_every_kind_of_wrong_model_is_tried_under_every_strategy() -> None:
    every = [(example, kind) for example, kinds in DEFECTS.items() for kind in kinds]
    grouped = [(group.example, kind) for group in GROUPS.values() for kind in group.kinds]
    assert sorted(grouped, key=str) == sorted(every, key=str)
    assert {trial.strategy for trial in trials() if trial.always} == set(STRATEGIES)
    assert len(set(trials())) == len(STRATEGIES) * len(GROUPS)


def comparison(**changed: object) -> dict[str, object]:
    found = {"sample": "1.json", "tensor": "y", "against": "recorded", "equal": False, "index": [0]}
    return {**found, "expected": "1", "got": "2", **changed}


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (comparison(equal=True), "not seen against recorded"),
        (comparison(against="reference"), "not seen against recorded"),
        (comparison(tensor="z"), "y is not wrong"),
        (comparison(sample="2.json"), "y is not wrong"),
        (comparison(index=[]), "no element"),
        (comparison(got="1"), "twice the same value"),
    ],
)
def test_a_report_that_names_the_difference_elsewhere_or_not_at_all_is_found_out(
    entry: dict[str, object], says: str
) -> None:
    sighting = Sighting("recorded", "y", ("1.json",))
    assert sighting.entries({"comparisons": [comparison(), comparison(tensor="z", equal=True)]}) == [comparison()]
    with pytest.raises(AssertionError, match=says):
        sighting.entries({"comparisons": [entry]})


def test_the_sentence_of_a_refusal_is_the_first_of_its_report_where_every_attempt_finds_the_same() -> None:
    report = {"comparisons": [comparison()], "differences": ["Sample 1.json, tensor y,\n element [0]: ...", "more"]}
    assert Sighting("recorded", "y").sentence(report) == "Sample 1.json, tensor y, element [0]: ..."
    with pytest.raises(AssertionError):
        Sighting("reference", "y").sentence(report)


def test_answers_differ_by_the_last_bit_the_sign_of_zero_and_the_type() -> None:
    def tensor(*values: float, field: str = "float_data") -> answers.Answer:
        return answers.of_response({"key": [], "value": [], "tensors": [{"name": "y", field: list(values)}]})

    above = struct.unpack("<f", struct.pack("<I", struct.unpack("<I", struct.pack("<f", 18.901152))[0] + 1))[0]
    assert tensor(18.901152) != tensor(above)
    assert tensor(0.0) != tensor(-0.0)
    assert tensor(1.0) != tensor(1.0, field="float64_data")
    assert tensor(1.0) != tensor(1.0, 1.0)
    assert tensor(18.901152) == tensor(18.901151657104492), "the same float32, printed with other digits"


def test_texts_of_a_response_are_compared_as_what_they_stand_for() -> None:
    response = {"key": ["score", "text"], "value": ["[0.5]", '["a"]'], "tensors": []}
    assert answers.of_response(response) == answers.of_literals({"score": [0.5], "text": ["a"]})
    assert answers.of_response(response) != answers.of_literals({"score": [0.5], "text": ["b"]})
    assert answers.of_response(response) != answers.of_literals({"score": [0.5]})


def test_endpoints_are_counted_over_all_slices_after_every_change() -> None:
    def event(kind: str, name: str, **ready: bool) -> Object:
        endpoints = [{"targetRef": {"name": pod}, "conditions": {"ready": value}} for pod, value in ready.items()]
        return {"type": kind, "object": {"metadata": {"name": name}, "endpoints": endpoints or None}}

    events = [
        event("ADDED", "s1"),
        event("MODIFIED", "s1", a=True, b=False),
        event("ADDED", "s2", c=True),
        event("MODIFIED", "s1", a=False, b=True),
        event("DELETED", "s2", c=True),
    ]
    assert list(ready_after_each_change(events)) == [set(), {"a"}, {"a", "c"}, {"b", "c"}, {"b"}]


def test_a_wait_that_is_over_says_what_it_last_saw() -> None:
    with pytest.raises(NotInTime, match=r"the door: not within 0 s\. Last seen: shut"):
        wait_for("the door", lambda: Seen(done=False, what="shut"), within=0)


def test_a_cluster_that_is_not_the_projects_own_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    context = {"name": "production", "context": {"cluster": "production", "user": "admin"}}
    config.write_text(json.dumps({"current-context": "production", "contexts": [context]}), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(config))
    with pytest.raises(AssertionError, match="'production', not at this project's cluster"):
        guarded_cluster({})
    assert guarded_cluster({"E2E_CONTEXT": "production"}).context == "production"


def test_namespaces_are_dns_labels_that_differ() -> None:
    long = "test_" + "a_very_long_name_" * 5 + "[one_weight_changed]"
    names = {namespace_name(long), namespace_name(long + "2"), namespace_name("test_x")}
    assert len(names) == 3
    assert all(name.replace("-", "").isalnum() and name.islower() and len(name) <= 63 for name in names)
