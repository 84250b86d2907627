"""Requests that share a run: each gets its own answer, and every one an answer."""

from pathlib import Path

import numpy as np
import pytest

from images.serving.tests.process.pipeline_engine.conftest import Start
from images.serving.tests.process.pipeline_engine.services import TROUBLE_CONFIG, TROUBLE_OP
from images.serving.tests.services import PRICE, X, one_op

BATCH = {"op.trouble.batch_size": "4", "op.trouble.auto_batching_timeout": "300", "worker_num": "16"}


def row(number: int) -> str:
    return ",".join(map(str, np.random.default_rng(number).normal(size=13).round(3).tolist()))


def test_two_shapes_in_a_batch_and_a_bad_member_fail_nobody_else(
    trouble: Path, start: Start, mode: dict[str, str]
) -> None:
    engine = start(trouble, {**BATCH, **mode})
    good = [engine.ask({"x": X}), engine.ask({"x": f"{X};{X}"})]
    wrong_shape, wrong_feed = engine.ask({"x": "1,2"}), engine.ask({"x": X, "do": "wrong feed"})
    skipped = engine.ask({"x": X, "do": "skip"})
    good += [engine.ask({"x": X})]
    prices = [engine.result(number)["values"]["price"] for number in good]
    assert prices[0] == prices[2] == PRICE
    assert prices[1].count("18.90115") == 2
    assert engine.result(wrong_shape)["kind"] == engine.result(wrong_feed)["kind"] == "OpFailed"
    assert engine.result(wrong_feed)["err_no"] == 5000
    assert engine.result(skipped)["values"]["price"] == "[0.0]"
    assert engine.answer({"x": X})["values"]["price"] == PRICE


def test_a_batch_says_how_many_shared_it_and_how_long_it_took(
    trouble: Path, start: Start, mode: dict[str, str]
) -> None:
    engine = start(trouble, {**BATCH, **mode, "op.trouble.auto_batching_timeout": "100000"})
    costs = [engine.result(number)["cost"] for number in [engine.ask({"x": X}) for _ in range(4)]]
    assert [batch for _, batch in costs] == [4] * 4
    assert len({seconds for seconds, _ in costs}) == 1
    assert 0 < costs[0][0] < 60


@pytest.mark.parametrize("timeout", ["0", "300"])
def test_an_incomplete_batch_does_not_wait_for_ever(trouble: Path, start: Start, timeout: str) -> None:
    engine = start(trouble, {**BATCH, "op.trouble.auto_batching_timeout": timeout})
    assert engine.answer({"x": X})["values"]["price"] == PRICE


@pytest.mark.parametrize(
    "overrides",
    [
        {"dag.is_thread_op": "true", "op.trouble.concurrency": "4"},
        {"dag.is_thread_op": "false", "op.trouble.concurrency": "2"},
        {"dag.is_thread_op": "true", **BATCH},
        {"dag.is_thread_op": "false", "op.trouble.concurrency": "2", **BATCH},
    ],
)
def test_every_request_gets_its_own_answer(trouble: Path, start: Start, overrides: dict[str, str]) -> None:
    """With the stock server, four threads and no batches, one answer in seven is another request's."""
    engine = start(trouble, {"worker_num": "16", **overrides})
    alone = start(trouble, {"dag.is_thread_op": "true"})
    inputs = [";".join(row(number + extra) for extra in range(1 + number % 3)) for number in range(400)]
    numbers = [engine.ask({"x": text}) for text in inputs]
    for number, text in zip(numbers, inputs, strict=True):
        got = np.array(eval_list(engine.result(number)["values"]["price"]))
        want = np.array(eval_list(alone.answer({"x": text})["values"]["price"]))
        # a run of several rows may take another kernel than a run of one
        np.testing.assert_allclose(got, want, rtol=1e-5)


def test_an_op_that_keeps_its_request_in_itself_does_not_take_anothers(trouble: Path, start: Start) -> None:
    engine = start(trouble, {"dag.is_thread_op": "true", "op.trouble.concurrency": "4", "worker_num": "16"})
    inputs = [row(number) for number in range(500)]
    numbers = [engine.ask({"x": text, "do": "self"}) for text in inputs]
    assert [engine.result(number)["values"]["x"] for number in numbers] == inputs


def eval_list(text: str) -> list[list[float]]:
    return [[float(value) for value in part.strip(" []").split(",")] for part in text.strip("[]").split("],")]


SLOW = """

class SlowOp(TroubleOp):
    def process(self, feed_batch, typical_logid=0):
        time.sleep(self.seconds())
        return super().process(feed_batch, typical_logid)

    def seconds(self):
        path = "/tmp/does-not-exist" if "flag" not in self.request else self.request["flag"]
        if os.path.exists(path):
            os.unlink(path)
            return 30
        return 30 if self.request.get("do") == "slow" else 0
"""


def test_an_op_that_times_out_is_told_so_and_tried_again_where_the_dag_retries(
    service: "Start", start: Start, mode: dict[str, str], tmp_path: Path
) -> None:
    script = TROUBLE_OP + SLOW + one_op("SlowOp", "trouble", "trouble")
    root = service(web_service=script, config=TROUBLE_CONFIG)
    engine = start(root, {**mode, "dag.retry": "2", "op.trouble.timeout": "2000"})
    result = engine.answer({"x": X, "do": "slow"})
    assert (result["kind"], result["err_no"], result["status"]) == ("OpFailed", 6000, 504)
    assert result["error"] == "[trouble] took longer than 2 s"
    flag = tmp_path / "slow once"
    flag.touch()
    assert engine.answer({"x": X, "flag": str(flag)})["values"]["price"] == PRICE
    assert not flag.exists()
    assert engine.answer({"x": X})["values"]["price"] == PRICE
