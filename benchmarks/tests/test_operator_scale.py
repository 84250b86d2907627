import json

from benchmarks.operator_calls import Call, calls_of, counted, listed
from benchmarks.operator_copies import plain, renamed
from benchmarks.operator_scale_table import table
from paddle_serving_operator.constants import SERVICE


def line(verb: str, resource: str = "", subresource: str = "") -> str:
    about = {"resource": resource, "subresource": subresource} if resource else None
    return json.dumps({"verb": verb, "objectRef": about})


LINES = [
    line("patch", "deployments"),
    line("patch", "deployments"),
    line("patch", "paddleservices", "status"),
    line("create", "events"),
    line("get", "pods", "log"),
    line("list", "services"),
    line("get"),
    line("watch", "pods"),
]


def test_requests_are_counted_by_verb_and_resource() -> None:
    calls = calls_of(LINES)
    assert calls[Call("patch", "deployments")] == 2
    assert calls[Call("patch", "paddleservices/status")] == 1
    assert calls[Call("get", "discovery")] == 1
    assert next(iter(listed(calls).items())) == ("patch deployments", 2)


def test_a_watch_that_ends_is_neither_a_read_nor_a_write() -> None:
    assert counted(calls_of(LINES)) == {"writes": 4, "reads": 3, "watches": 1}
    assert counted(calls_of([])) == {"writes": 0, "reads": 0, "watches": 0}


CPU = {"operator": 20.0, "etcd": 5.0, "kube-apiserver": 30.0, "benchmark": 4.0}


def rows(build: str, seconds: float = 50.0, percent: float = 0.5, peak: float = 140.0) -> list[dict[str, object]]:
    head = {"build": build, "services": 1000}
    memory = {"mib": 120.0, "peak_mib": peak}
    calls = {"writes": 9000, "reads": 4000, "watches": 0}
    none = {"writes": 0, "reads": 0, "watches": 9}
    return [
        head | {"what": "reconciled", "seconds": seconds, "cpu_seconds": CPU} | calls | memory,
        head | {"what": "settled", "seconds": 600.0, "cpu_percent": percent} | none | memory,
        head | {"what": "reaction", "changes": 200, "p50_ms": 40.0, "p99_ms": 90.0, "max_ms": 101.0},
        head | {"what": "restarted", "seconds": 8.0, "cpu_seconds": {"operator": 6.0}} | none | memory,
    ]


def test_both_builds_stand_beside_each_other_in_every_part() -> None:
    made = table({"rows": [*rows("baseline", seconds=300.0), *rows("this")], "machine": {"load_average": 3.5}})
    assert "| baseline | 1,000 | 300.0 | 20.0 | 35.0 | 20.0 | 9.0 | 4.0 | 140 |" in made
    assert "| this | 1,000 | 50.0 | 20.0 | 35.0 | 20.0 | 9.0 | 4.0 | 140 |" in made
    assert "| this | 1,000 | 10.0 | 0.50 | 0 | 0 | 120 |" in made
    assert "| this | 1,000 | 200 | 40 | 90 | 101 |" in made
    assert "| this | 1,000 | 8 | 6.0 | 0 | 0 | 140 |" in made
    assert made.endswith("Load average of the machine at the end: 3.5.")


def test_the_goals_are_those_of_this_build_with_a_thousand() -> None:
    made = table({"rows": [*rows("baseline", seconds=300.0), *rows("this")], "machine": {}})
    assert made.count("| met |") == 4
    assert "**missed**" not in made
    slow = table({"rows": rows("this", seconds=61.0, percent=1.5, peak=151.0), "machine": {}})
    assert slow.count("**missed**") == 3


def test_what_failed_is_said_and_what_was_not_measured_is_left_out() -> None:
    failed = {"build": "baseline", "services": 5000, "failed": "not within 3600 s: 12 of 5000 are not Healthy"}
    made = table({"rows": [failed, *rows("this")[1:2]], "machine": {}})
    assert "baseline, 5,000: not within 3600 s: 12 of 5000 are not Healthy." in made
    assert "p99 ms" not in made


def test_what_is_made_by_hand_has_no_operator() -> None:
    cpu = {"etcd": 5.0, "kube-apiserver": 30.0, "benchmark": 4.0}
    row = {"build": "by hand", "services": 1000, "what": "by hand", "seconds": 40.0, "cpu_seconds": cpu, "objects": 7}
    made = table({"rows": [row, *rows("this")], "machine": {}})
    assert "| those of 1,000 PaddleServices, 7 each | 40.0 | 35.0 | 35 |" in made


def test_an_object_is_made_again_under_another_name_without_what_the_first_was_given() -> None:
    given = {"uid": "u", "resourceVersion": "7", "namespace": "n", "ownerReferences": [{"uid": "o"}]}
    metadata = {"name": "first-stable", "labels": {"service": "first"}}
    spec = {"selector": {"service": "first"}, "clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7"]}
    stored = {"metadata": metadata | given, "spec": spec, "status": {"loadBalancer": {}}}
    ((_, made),) = renamed([(SERVICE, plain(stored))], "first", "by-hand-3")
    assert made == {
        "metadata": {"name": "by-hand-3-stable", "labels": {"service": "by-hand-3"}},
        "spec": {"selector": {"service": "by-hand-3"}},
    }
