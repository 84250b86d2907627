"""A service that nobody asked to share runs shares them where that saves something and is soon proved: by its times."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from images.serving.tests.unit.engine.batching.fake import BAD, Fake, feeding, x
from images.serving.tests.unit.engine.batching.test_proved_runs import Counted
from paddle_serving_runtime.engine import DirectEngine
from paddle_serving_runtime.engine.proof import Bargain, Proof, Trial
from paddle_serving_runtime.graph import REQUEST, Graph, Node
from paddle_serving_runtime.paddle_model.switches import Switches
from paddle_serving_runtime.protocol.call import SERVICE, Call

SIZES = (2, 4, 8, 16)
ROWS_OF_PROOF = {2: 2 + 4, 4: 4 + 8 + 16, 8: 8 + 16 + 32 + 64, 16: 16 + 32 + 64 + 128 + 256}
"""Alone, and as many runs of every size as there are rows."""


class Time:
    """Passes where something is computed, and nowhere else."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def model(self, run: float, row: float) -> Callable[[np.ndarray], np.ndarray]:
        """Takes so long for a run and for each of its rows."""

        def compute(rows: np.ndarray) -> np.ndarray:
            self.now += run + row * len(rows)
            return rows * 2

        return compute

    def service(self, seconds: float) -> DirectEngine:
        """Whose Op takes so long beside the model."""
        from paddle_serving_server.pipeline import ResponseOp  # noqa: PLC0415 - importable after install() alone
        from paddle_serving_server.web_service import Op  # noqa: PLC0415 - the same

        def slow(op: object, input_dicts: dict[str, Any], data_id: int, log_id: int) -> Any:  # noqa: ANN401
            self.now += seconds
            return feeding(op, input_dicts, data_id, log_id)

        op = type("SlowOp", (Op,), {"preprocess": slow, "postprocess": tell})(name="a", input_ops=[])
        node = Node("a", op, (REQUEST,), Path("model"), Switches(), (), 1, None, None, 1)
        return DirectEngine(Graph("svc", (node,), "a", response_op=ResponseOp(input_ops=[op])), lambda: 0.0)


def tell(_op: object, _inputs: object, fetched: dict[str, Any], _data_id: int, _log_id: int) -> Any:  # noqa: ANN401
    return {"y": str(fetched["y"].tolist())}, None, ""


@pytest.fixture
def time() -> Time:
    return Time()


def prove(service: DirectEngine, time: Time, *, spend: float) -> Proof:
    """What comes out of two golden samples."""
    trial = Trial(SIZES, lambda: False, Bargain(0.1, spend, time))
    (proof,) = service.prove([Call(SERVICE, x(1)), Call(SERVICE, x(2))], trial, Counted()).values()
    return proof


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another folder too: what is imported from the current one counts as the service's own."""
    monkeypatch.setattr(Fake, "model", staticmethod(lambda rows: rows * 2))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("run", "row", "outside", "largest"),
    [
        (0.9, 0.1, 0.0, 16),  # nearly all of it is the same for one row and for many
        (0.1, 0.9, 1.5, 1),  # a tenth of the model's time is less than that of the request's
        (0.0, 1.0, 0.0, 1),
        (0.9, 0.1, 20.0, 1),
        (0.9, 0.1, 5.0, 16),
    ],
)
def test_runs_are_shared_where_they_save_a_tenth_of_the_whole_request(
    time: Time, run: float, row: float, outside: float, largest: int
) -> None:
    Fake.model = staticmethod(time.model(run, row))
    service = time.service(outside)
    proof = prove(service, time, spend=10_000.0)
    assert proof.largest == largest, proof.reasons
    assert service.capacity == largest
    if largest == 1:
        assert "% of a request's processor time" in proof.reasons[0]
        assert "engine.batching: {maxRows: 8}" in proof.reasons[0]


@pytest.mark.parametrize("largest", SIZES)
def test_no_size_is_tried_whose_proof_takes_more_than_may_be_spent(time: Time, largest: int) -> None:
    Fake.model = staticmethod(time.model(0.9, 0.1))
    # a run of the proof has several rows, and is counted as if each took as long as one alone
    beside, timed = 16.0, 2.0
    assert prove(time.service(0.0), time, spend=ROWS_OF_PROOF[largest] + beside + timed).largest == largest


def test_a_model_that_is_too_slow_for_any_proof_is_named_with_the_seconds(time: Time) -> None:
    Fake.model = staticmethod(time.model(0.9, 0.1))
    proof = prove(time.service(0.0), time, spend=4.0)
    assert proof.largest == 1
    assert proof.reasons[0].startswith("the proof for 2 rows takes about 8.0 s of every start. With Auto ")
    assert len(Fake.runs) == 2 + 2  # both golden samples, and a row that was timed


@pytest.mark.parametrize(
    ("golden", "reason"),
    [
        ((), "it has no golden samples"),
        ((x(BAD),), "none of its golden samples is answered"),
    ],
)
def test_what_times_do_not_show_is_said_by_the_proof(
    time: Time, golden: tuple[dict[str, Any], ...], reason: str
) -> None:
    Fake.model = staticmethod(time.model(0.9, 0.1))
    trial = Trial(SIZES, lambda: False, Bargain(0.1, 10_000.0, time))
    (proof,) = time.service(0.0).prove([Call(SERVICE, inputs) for inputs in golden], trial, Counted()).values()
    assert reason in " ".join(proof.reasons)


def test_a_model_that_fails_for_several_rows_is_named_for_that(time: Time) -> None:
    def alone(rows: np.ndarray) -> np.ndarray:
        if len(rows) > 1:
            raise RuntimeError("several rows")
        return time.model(0.9, 0.1)(rows)

    Fake.model = staticmethod(alone)
    proof = prove(time.service(0.0), time, spend=10_000.0)
    assert proof.largest == 1
    assert "2 rows: its model fails for several rows together" in proof.reasons


def test_who_asks_for_it_pays_any_price(time: Time) -> None:
    Fake.model = staticmethod(time.model(0.0, 1.0))
    service = time.service(50.0)
    (proof,) = service.prove(
        [Call(SERVICE, x(1)), Call(SERVICE, x(2))], Trial(SIZES, lambda: False), Counted()
    ).values()
    assert proof.largest == max(SIZES)
