"""A plain model with proved numbers of rows: what shares a run, the audit, and what happens when a run fails."""

import logging
from pathlib import Path

import numpy as np
import pytest

from images.serving.tests.unit.engine.batching.fake import BAD, Fake, x
from paddle_serving_runtime.engine import DirectEngine, OpFailed
from paddle_serving_runtime.engine.proof import Trial
from paddle_serving_runtime.engine.running import ModelRunner
from paddle_serving_runtime.engine.sharing import AUDITED_OF
from paddle_serving_runtime.graph import REQUEST, Graph, Node
from paddle_serving_runtime.paddle_model.predictor import InputRefused
from paddle_serving_runtime.paddle_model.switches import Switches
from paddle_serving_runtime.protocol import Response
from paddle_serving_runtime.protocol.call import SERVICE, Call, Result

SIZES = (2, 4)


class Counted:
    """A ledger of one worker."""

    def __init__(self) -> None:
        self.off = False
        self.shared_runs = 0
        self.audits: list[bool] = []

    def shared(self) -> None:
        self.shared_runs += 1

    def audited(self, *, differs: bool) -> None:
        self.audits.append(differs)
        self.off = self.off or differs


def plain() -> DirectEngine:
    node = Node("model", None, (REQUEST,), Path("model"), Switches(), (), 1, None, None, 1)
    return DirectEngine(Graph("", (node,), "model"), lambda: 0.0)


def proved(ledger: Counted) -> DirectEngine:
    engine = plain()
    engine.prove([Call(SERVICE, x(1)), Call(SERVICE, x(2))], Trial(SIZES, lambda: False), ledger)
    Fake.runs = []
    return engine


def after_its_first_audit() -> tuple[DirectEngine, Counted]:
    ledger = Counted()
    engine = proved(ledger)
    ask(engine, 1, 2)
    Fake.runs = []
    return engine, ledger


def ask(engine: DirectEngine, *values: float) -> list[Result]:
    return engine.infer([Call(SERVICE, x(value)) for value in values])


def tensor(result: Result) -> np.ndarray:
    assert isinstance(result.outcome, Response), result.outcome
    return result.outcome.tensors["y"]


def test_requests_share_runs_of_proved_sizes_and_each_gets_its_rows() -> None:
    engine, ledger = after_its_first_audit()
    results = ask(engine, 1, 2, 3, 4, 5, 6, 7)
    assert Fake.runs == [(4, 2), (2, 2), (1, 2)]
    assert [result.batch for result in results] == [4, 4, 4, 4, 2, 2, 1]
    for value, result in enumerate(results, start=1):
        np.testing.assert_array_equal(tensor(result), 2 * x(value)["x"], strict=True)
    assert ledger.shared_runs == 3
    assert engine.capacity == max(SIZES)


def test_shapes_and_numbers_of_rows_that_no_sample_has_are_computed_alone() -> None:
    engine, _ = after_its_first_audit()
    wide, three = {"x": np.ones((1, 3), np.float32)}, x(1, 2, 3)
    engine.infer([Call(SERVICE, feed) for feed in (x(1), wide, wide, three, x(2), x(3, 4))])
    assert sorted(Fake.runs) == [(1, 2), (1, 2), (1, 3), (1, 3), (2, 2), (3, 2)]


def test_a_request_that_is_the_only_one_is_computed_alone() -> None:
    engine, ledger = after_its_first_audit()
    (result,) = ask(engine, 1)
    assert (Fake.runs, result.batch, ledger.shared_runs) == ([(1, 2)], 1, 1)


def test_a_bad_request_fails_alone_and_batching_goes_on() -> None:
    engine, ledger = after_its_first_audit()
    results = ask(engine, 1, BAD, 3, 4)
    assert [type(result.outcome) for result in results] == [Response, OpFailed, Response, Response]
    assert Fake.runs == [(4, 2), *[(1, 2)] * 4]
    Fake.runs = []
    ask(engine, 1, 2)
    assert (Fake.runs, ledger.off) == ([(2, 2)], False)


def test_the_first_shared_run_and_one_of_a_thousand_are_computed_again() -> None:
    ledger = Counted()
    engine = proved(ledger)
    (first, second) = ask(engine, 1, 2)
    assert (Fake.runs, ledger.audits) == ([(2, 2), (1, 2), (1, 2)], [False])
    assert (first.batch, second.batch) == (1, 1)
    for _ in range(AUDITED_OF - 1):
        ask(engine, 1, 2)
    assert (ledger.audits, ledger.shared_runs) == ([False], AUDITED_OF)
    ask(engine, 1, 2)
    assert ledger.audits == [False, False]


def test_a_difference_gives_the_answers_of_single_runs_and_ends_shared_runs(caplog: pytest.LogCaptureFixture) -> None:
    ledger = Counted()
    engine = proved(ledger)
    Fake.model = staticmethod(lambda x: x - x.mean(axis=0))
    with caplog.at_level(logging.ERROR):
        results = ask(engine, 1, 2)
    assert "batching is off from now on in every worker: 2 of 2 requests" in caplog.text
    assert [tensor(result).tolist() for result in results] == [[[0, 0]], [[0, 0]]]
    assert (ledger.audits, engine.capacity) == ([True], max(SIZES))
    Fake.runs = []
    ask(engine, 1, 2, 3)
    assert Fake.runs == [(1, 2)] * 3


def test_outputs_without_rows_of_their_own_end_shared_runs_at_once() -> None:
    engine, ledger = after_its_first_audit()
    Fake.model = staticmethod(lambda x: x[:1])
    results = ask(engine, 1, 2)
    assert [tensor(result).tolist() for result in results] == [x(1)["x"].tolist(), x(2)["x"].tolist()]
    assert (ledger.off, ledger.audits) == (True, [False, True])


@pytest.mark.parametrize(
    ("op", "status", "message"),
    [(None, 400, "input 'x' has numbers from 13 to 13"), (object(), 500, "[model] inference failed: InputRefused")],
)
def test_an_input_that_the_model_cannot_have_is_the_clients_unless_an_op_made_it(
    monkeypatch: pytest.MonkeyPatch, op: object, status: int, message: str
) -> None:
    def refusing(*_: object) -> dict[str, object]:
        raise InputRefused("input 'x' has numbers from 13 to 13")

    monkeypatch.setattr(Fake, "run", refusing)
    node = Node("model", op, (REQUEST,), Path("model"), Switches(), (), 1, None, None, 1)
    outcome = ModelRunner(node, Fake(), lambda: 0.0).alone(x(BAD)).outcome  # type: ignore[arg-type]
    assert isinstance(outcome, OpFailed)
    assert (outcome.status, outcome.message) == (status, message)


@pytest.mark.parametrize("shapes", [{"x": (1, 2), "y": (-1, 2)}, {"x": (-1, 2), "y": (1, 2)}, {"x": (-1, 2), "y": ()}])
def test_a_program_with_a_fixed_batch_is_not_even_tried(
    shapes: dict[str, tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fake, "shapes", shapes)
    engine = plain()
    proof = engine.prove([Call(SERVICE, x(1))], Trial(SIZES, lambda: False), Counted())[""]
    assert (proof.sizes, Fake.runs, engine.capacity) == ({}, [], 1)
    assert "has no free batch dimension" in proof.reasons[0]


def test_a_sample_that_the_model_refuses_is_left_to_whoever_compares() -> None:
    engine = plain()
    refused = Call(SERVICE, {"z": x(1)["x"]})
    proof = engine.prove([refused, Call(SERVICE, x(1))], Trial(SIZES, lambda: False), Counted())[""]
    assert proof.largest == max(SIZES)
