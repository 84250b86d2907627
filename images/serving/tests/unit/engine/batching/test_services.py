"""Services with Ops whose requests share runs: what they must not share, and what is refused with its reason."""

import gc
import itertools
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from images.serving.tests.unit.engine.batching.fake import BAD, Fake, answer, ask, x
from images.serving.tests.unit.engine.batching.ops import GOLDEN, KEEPING, PASSING, SIZES, TELLING, TWICE, prove, proved
from images.serving.tests.unit.engine.batching.test_proved_runs import Counted
from paddle_serving_runtime.engine import DirectEngine, OpFailed, direct
from paddle_serving_runtime.engine.lanes import MOST_BYTES
from paddle_serving_runtime.engine.proof import Trial
from paddle_serving_runtime.protocol import Response
from paddle_serving_runtime.protocol.call import SERVICE, Call


def reason(engine: DirectEngine, *golden: Mapping[str, Any]) -> str:
    """Why nothing is shared."""
    proofs = prove(engine, *golden)
    assert engine.capacity == 1
    ask(engine, x(1))
    ask(engine, x(2))
    assert Fake.runs == [(1, 2)] * 2 * len(engine.models)
    return "; ".join(f"{node}: {text}" for node, proof in proofs.items() for text in proof.reasons)


def test_requests_share_the_runs_of_every_model_of_a_chain_and_get_the_answers_of_single_runs(
    service: Callable[..., DirectEngine],
) -> None:
    alone, engine = service(TWICE + PASSING, TWICE + TELLING), proved(service(TWICE + PASSING, TWICE + TELLING))
    wanted = [answer(ask(alone, x(value))[0]) for value in range(5)]
    Fake.runs = []
    results = ask(engine, *map(x, range(5)))
    assert Fake.runs == [(4, 2), (1, 2)] * 2
    assert [answer(result) for result in results] == wanted
    assert [result.batch for result in results] == [4, 4, 4, 4, 1]
    assert engine.capacity == max(SIZES)


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        ("self.kept = values['x'].tolist()", "self.kept"),
        ("self.__dict__.setdefault('all', [])[:] = values['x'].tolist()", "self.all"),
    ],
)
def test_what_an_op_keeps_of_a_request_in_itself_is_that_requests_alone(
    service: Callable[..., DirectEngine], keep: str, kept: str
) -> None:
    body = KEEPING.format(keep=keep, kept=kept)
    engine = proved(service(body))
    results = ask(engine, *map(x, range(4)))
    assert Fake.runs == [(4, 2)]
    for value, result in enumerate(results):
        rows = x(value)["x"]
        assert answer(result) == str(((2 * rows).tolist(), rows.tolist()))


@pytest.mark.parametrize(
    ("keep", "kept", "where"),
    [
        ("LAST['x'] = values['x'].tolist()", "LAST['x']", "requests change web_service.py: LAST"),
        ("type(self).last = values['x'].tolist()", "self.last", "requests change web_service.py: Op0.last"),
        ("type(self).rows.append(1)", "1", "requests change web_service.py: Op0.rows"),
        ("global ONE; ONE = values['x'].tolist()", "ONE", "web_service.py:10 has a global statement"),
    ],
)
def test_what_requests_would_share_outside_of_an_op_is_found_and_named(
    service: Callable[..., DirectEngine], keep: str, kept: str, where: str
) -> None:
    body = "\n    rows = []\n" + KEEPING.format(keep=keep, kept=kept)
    engine = service(body, before="\nLAST, ONE = {}, None\n")
    assert reason(engine, x(1), x(2), x(3)).startswith(f": {where}")


@pytest.mark.parametrize(
    ("before", "keep", "kept", "where"),
    [
        ("UNIT = {}", "UNIT.setdefault('unit', 'EUR')", "UNIT['unit']", "web_service.py: UNIT"),
        ("class Context: unit = ''\nHERE = Context()", "HERE.unit = 'EUR'", "HERE.unit", "web_service.py: HERE"),
    ],
)
def test_what_golden_requests_leave_at_the_same_value_may_be_changed_by_others(
    service: Callable[..., DirectEngine], before: str, keep: str, kept: str, where: str
) -> None:
    engine = service(KEEPING.format(keep=keep, kept=kept), before=f"\n{before}\n")
    assert reason(engine).startswith(f": requests change {where}")


def test_golden_samples_with_one_answer_would_not_show_a_mix_up(service: Callable[..., DirectEngine]) -> None:
    two_rows = {"x": np.array([[1, 2], [3, 4]], "float32")}
    proofs = prove(service(TWICE + TELLING), two_rows)
    assert "have no two different answers" in proofs[""].reasons[0]
    constant = "\n    def postprocess(self, input_dicts, fetched, data_id, log_id):\n"
    constant += "        return {'y': '1'}, None, ''\n"
    assert "have no two different answers" in reason(service(TWICE + constant))


def test_the_comparison_ends_when_its_time_is_over(service: Callable[..., DirectEngine]) -> None:
    engine = service(TWICE + TELLING)
    looks = itertools.count()
    trial = Trial(SIZES, lambda: next(looks) > 40)
    assert engine.prove([Call(SERVICE, dict(inputs)) for inputs in GOLDEN * 8], trial, Counted())[""].reasons == (
        "the time for the proof was over",
    )
    assert engine.capacity == 1


def test_golden_requests_that_take_long_beside_each_other_share_nothing(service: Callable[..., DirectEngine]) -> None:
    now = itertools.count(step=0.5)
    proofs = prove(service(TWICE + TELLING, clock=lambda: next(now)))
    assert re.fullmatch(r"4 golden requests take \d\.\d s beside each other, .*", proofs[""].reasons[0])


@pytest.mark.parametrize("name", ["require_sharable", "copies", "state", "observe", "prove_models", "compare_together"])
def test_no_start_fails_for_the_proof(
    service: Callable[..., DirectEngine], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def failing(*_: object) -> None:
        raise LookupError("of the service")

    monkeypatch.setattr(direct, name, failing)
    assert reason(service(TWICE + TELLING)) == ": LookupError: of the service"


def test_a_name_that_must_not_be_imported_is_no_obstacle(
    service: Callable[..., DirectEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "not_to_be_imported", None)  # Python says so itself
    proved(service(TWICE + TELLING))


def test_state_that_nothing_shows_is_found_by_its_answers(service: Callable[..., DirectEngine]) -> None:
    hidden = """
    def init_op(self):
        kept = []
        self.put, self.last = kept.append, lambda: kept[-1]
"""
    engine = service(hidden + KEEPING.format(keep="self.put(values['x'].tolist())", kept="self.last()"))
    assert "beside each other get other answers than alone" in reason(engine)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("import threading; self.lock = threading.Lock()", "cannot be copied .* cannot pickle '_thread.lock' object"),
        (
            f"import numpy; self.table = numpy.ones({MOST_BYTES // 2}, 'uint8')",
            "copies of its Ops for 3 .* take 9. MiB",
        ),
        (f"import numpy; self.table = numpy.ones({MOST_BYTES}, 'uint8')", "a copy of its Ops takes more than 64 MiB"),
    ],
)
def test_an_op_that_cannot_be_had_several_times_is_named_with_its_reason(
    service: Callable[..., DirectEngine], state: str, words: str
) -> None:
    found = reason(service(f"\n    def init_op(self):\n        {state}\n" + TWICE + TELLING))
    assert re.search(words, found), found


def test_what_ends_with_an_object_does_not_end_with_a_copy_of_it(service: Callable[..., DirectEngine]) -> None:
    handle = "\nENDED = []\nclass Handle:\n    def __init__(self): self.number = 7\n"
    handle += "    def __del__(self): ENDED.extend(vars(self).values())\n"
    body = "\n    ended = ENDED\n    def init_op(self):\n        self.handle = Handle()\n" + TWICE + TELLING
    engine = service(body, before=handle)
    assert "an object of the class Handle, whose __del__ would end what copies share" in reason(engine)
    gc.collect()
    (op,) = (node.op for node in engine._graph.nodes)
    assert op is not None
    assert op.ended == []


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"batch_size": 4}, "Op op0 has a batch_size"),
        ({"auto_batching_timeout_ms": 5.0}, "Op op0 has a batch_size or auto_batching_timeout"),
        ({"timeout_ms": 50.0}, "op0: its timeout or retry in config.yml is for the run of one request"),
        ({"retry": 2}, "op0: its timeout or retry"),
        ({"model_dir": None}, "no Op of it has a model"),
    ],
)
def test_what_config_yml_says_holds(own: dict[str, Any], words: str, service: Callable[..., DirectEngine]) -> None:
    proofs = prove(service(TWICE + TELLING, **own))
    assert {proof.largest for proof in proofs.values()} == {1}
    assert words in "; ".join(f"{node}: {text}" for node, proof in proofs.items() for text in proof.reasons)


def test_a_service_without_golden_samples_or_without_answers_to_them_shares_nothing(
    service: Callable[..., DirectEngine],
) -> None:
    engine = service(TWICE + TELLING)
    assert engine.prove([], Trial(SIZES, lambda: False), Counted())["op0"].reasons == ("it has no golden samples",)
    failing = "\n    def postprocess(self, input_dicts, fetched, data_id, log_id):\n        raise ValueError\n"
    assert "none of its golden samples is answered" in reason(service(TWICE + failing))


def test_a_model_whose_rows_depend_on_each_other_is_not_shared_and_the_others_are(
    service: Callable[..., DirectEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fake, "model", staticmethod(lambda x: 2 * x - x.mean(axis=0) if x.max() < 100 else x * 2))
    passing = PASSING.replace("+ 1", "+ 100 + input_dicts['@DAGExecutor']['x']")
    proofs = prove(service(TWICE + passing, TWICE + TELLING))
    assert [(node, proof.largest) for node, proof in sorted(proofs.items())] == [("op0", 1), ("op1", max(SIZES))]
    assert all("other bits than alone" in text for text in proofs["op0"].reasons)


def test_one_bad_request_fails_alone(service: Callable[..., DirectEngine]) -> None:
    results = ask(proved(service(TWICE + TELLING)), x(1), x(BAD), {"raise": "1"}, x(3))
    assert [type(result.outcome) for result in results] == [Response, OpFailed, OpFailed, Response]
    assert answer(results[3]) == str([(2 * x(3)["x"]).tolist()])


def test_the_parts_of_mini_batches_share_runs_too(service: Callable[..., DirectEngine]) -> None:
    parts = [part["x"] for part in (x(1), x(2), x(3))]
    first, second = ask(proved(service(TWICE + TELLING)), {"parts": parts}, x(9))
    assert Fake.runs == [(4, 2)]
    assert (answer(first), first.batch) == (str([(2 * part).tolist() for part in parts]), 2)
    assert answer(second) == str([(2 * x(9)["x"]).tolist()])


def test_an_audit_that_finds_a_difference_ends_it(service: Callable[..., DirectEngine]) -> None:
    ledger = Counted()
    engine = service(TWICE + TELLING)
    prove(engine, ledger=ledger)
    Fake.model = staticmethod(lambda x: x - x.mean(axis=0))
    results = ask(engine, x(1), x(2))
    assert [answer(result) for result in results] == ["[[[0.0, 0.0]]]"] * 2
    # the run is computed again, and after it the requests, which are right by then
    assert (ledger.audits, ledger.off) == ([True, False], True)
    Fake.runs = []
    ask(engine, x(1), x(2))
    assert Fake.runs == [(1, 2)] * 2


def test_the_proof_leaves_the_ops_as_they_were_and_single_requests_have_the_first(
    service: Callable[..., DirectEngine],
) -> None:
    counting = "self.count = getattr(self, 'count', 0) + 1"
    engine = service(KEEPING.format(keep=counting, kept="self.count if fetched['y'].max() > 100 else 0"))
    prove(engine)
    assert engine.capacity == max(SIZES)
    counts = [int(answer(ask(engine, x(60))[0]).rpartition(" ")[2].rstrip(")")) for _ in range(6)]
    assert counts == [1, 2, 3, 4, 5, 6]


def test_arrays_that_an_op_uses_again_are_seen_as_they_were(service: Callable[..., DirectEngine]) -> None:
    reusing = """
    def init_op(self):
        import numpy
        self.buffer = numpy.zeros((1, 2), "int64")

    def preprocess(self, input_dicts, data_id, log_id):
        (values,) = input_dicts.values()
        self.buffer[:] = values["x"]
        return {"x": self.buffer}, False, None, ""
"""
    engine = proved(service(reusing + TELLING))
    results = ask(engine, x(1), x(2))
    assert [answer(result) for result in results] == [str([[[2 * value, 2 * value]]]) for value in (1, 2)]
    assert Fake.runs == [(2, 2)]
