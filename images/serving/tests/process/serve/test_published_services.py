"""Services as they are published: event loops of their own, and the numpy of their time."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from images.serving.tests.services import X, one_op

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

SERVICE = """
import asyncio
import numpy as np
import uvloop
from paddle_serving_server.web_service import WebService, Op


async def later(value):
    await asyncio.sleep(0)
    return value


async def in_a_thread(function):
    return await asyncio.to_thread(function)


class PriceOp(Op):
    def init_op(self):
        self.separator = asyncio.run(later(","))
        self.loop = asyncio.new_event_loop()

    def preprocess(self, input_dicts, data_id, log_id):
        (_, inputs), = input_dicts.items()
        text = self.loop.run_until_complete(later(inputs["x"]))
        x = np.fromstring(text, dtype=np.float, sep=self.separator).astype("float32")
        x = np.fromstring(x.tostring(), np.float32)
        x[0] += 0  # a copy, not a look at the bytes
        return {"x": x.reshape(1, 13)}, False, None, ""

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        price = uvloop.run(in_a_thread(lambda: fetch_dict["price"]))
        return {"price": str(asyncio.run(later([price[0, 0], np.int64(8)]))), "float": str(float(price))}, None, ""
""" + one_op("PriceOp", "price", "housing")


@pytest.mark.parametrize("engine", ["direct", "pipeline"])
def test_an_op_may_run_event_loops_and_call_numpy_as_it_was(
    make_package: Callable[..., Path], serve: "Callable[..., Serving]", engine: str
) -> None:
    serving = serve(make_package(SERVICE), "--workers", "1", "--engine", engine, "--drain-delay", "0").wait_ready()
    for _ in range(3):
        answer = serving.post({"key": ["x"], "value": [X]})
        assert answer.status_code == 200, answer.text
        price, number = answer.json()["value"]
        assert json.loads(price) == [pytest.approx(18.901152), 8]
        assert float(number) == pytest.approx(18.901152)
    serving.process.send_signal(signal.SIGTERM)
    assert serving.wait_exit() == 0
