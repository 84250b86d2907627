"""The services that both servers run."""

from images.serving.tests.services import ending, one_op

COMMANDS = '''
"""One Op whose every stage does what the request says; without "do" it predicts the price of text "x"."""

import asyncio
import numpy as np
from paddle_serving_server.pipeline.error_catch import CustomException, CustomExceptionCode
from paddle_serving_server.web_service import WebService, Op


def described(value):
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {list(value.shape)} {value.tolist()!r}"
    return f"{type(value).__name__} {value!r}"


async def later(value):
    await asyncio.sleep(0)
    return value


def in_a_new_loop(coroutine):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


class PriceOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, inputs), = input_dicts.items()
        do = inputs.get("do", "describe" if "x" not in inputs or not isinstance(inputs["x"], str) else "")
        if do == "describe":
            return {name: described(value) for name, value in inputs.items()}, True, None, ""
        if do == "custom":
            raise CustomException(CustomExceptionCode.INPUT_PARAMS_ERROR, "no such house", True)
        x = np.array([float(value) for value in inputs["x"].split(",")], dtype="float32").reshape(-1, 13)
        answers = {
            "raise": lambda: {}["nothing here"],
            "pre code": lambda: ({"x": x}, False, 55, "out of stock"),
            "pre code text": lambda: ({"x": x}, False, "55", "out of stock"),
            "pre code 0": lambda: ({"x": x}, False, 0, "zero"),
            "skip": lambda: ({"price": "skipped"}, True, None, ""),
            "skip 1": lambda: ({"x": x}, 1, None, ""),
            "run": lambda: asyncio.run(later(({"x": x}, False, None, ""))),
            "new loop": lambda: in_a_new_loop(later(({"x": x}, False, None, ""))),
            "three": lambda: ({"x": x}, False, None),
            "none": lambda: None,
            "feed none": lambda: (None, False, None, ""),
            "feed text": lambda: ("x", False, None, ""),
            "feed list of text": lambda: (["x"], False, None, ""),
            "feed batch": lambda: ([{"x": row[None]} for row in x], False, None, ""),
            "feed empty list": lambda: ([], False, None, ""),
            "feed name": lambda: ({"y": x}, False, None, ""),
            "feed extra": lambda: ({"x": x, "y": x}, False, None, ""),
            "feed lod": lambda: ({"x": x, "other.lod": x}, False, None, ""),
            "feed number": lambda: ({"x": 1.5}, False, None, ""),
            "feed float64": lambda: ({"x": x.astype("float64")}, False, None, ""),
            "feed shape": lambda: ({"x": x[:, :5]}, False, None, ""),
            "feed no rows": lambda: ({"x": x[:0]}, False, None, ""),
            "feed flat": lambda: ({"x": x[0]}, False, None, ""),
        }
        return answers.get(do, lambda: ({"x": x}, False, None, ""))()

    def postprocess(self, input_dicts, fetched, data_id, log_id):
        (_, inputs), = input_dicts.items()
        if isinstance(fetched, dict) and "price" not in fetched:
            return fetched, None, ""
        do = inputs.get("do", "")
        if isinstance(fetched, list):
            fetched = {"price": np.concatenate([one["price"] for one in fetched])} if fetched else {}
        price = fetched.get("price")
        answers = {
            "skip": lambda: (fetched, None, ""),
            "post raise": lambda: {}["nothing here"],
            "post path": lambda: open("/models/secret/weights"),
            "post custom": lambda: (_ for _ in ()).throw(
                CustomException(CustomExceptionCode.CLIENT_ERROR, "too expensive", True)),
            "post run": lambda: asyncio.run(later(({"price": "ran"}, None, ""))),
            "post new loop": lambda: in_a_new_loop(later(({"price": "ran"}, None, ""))),
            "post code": lambda: ({"price": "1"}, 77, "sold"),
            "post code 0": lambda: ({"price": "1"}, 0, "zero"),
            "post two": lambda: ({"price": "1"}, None),
            "post none": lambda: (None, None, ""),
            "post list": lambda: ([{"price": "1"}], None, ""),
            "post text": lambda: ("1", None, ""),
            "post empty": lambda: ({}, None, ""),
            "post number": lambda: ({"price": 18.9}, None, ""),
            "post bytes": lambda: ({"price": b"1"}, None, ""),
            "post mixed": lambda: ({"price": price, "unit": "k"}, None, ""),
            "post array": lambda: ({"price": price}, None, ""),
            "post arrays": lambda: ({"price": price, "wide": np.arange(1200) / 7, "yes": np.array([True])}, None, ""),
            "post list of text": lambda: ({"words": ["a", "b"], "price": price}, None, ""),
            "post unicode": lambda: ({"text": '\\u00e4 \\u623f\\u4ef7 \\U0001f3e0 \\u2028 "\\\\\\x01\\x7f'}, None, ""),
            "post markup": lambda: ({"text": "<a href='x'>&</a>"}, None, ""),
            "post surrogate": lambda: ({"text": "\\ud800"}, None, ""),
            "post key number": lambda: ({7: "seven"}, None, ""),
            "ids": lambda: ({"log": str(log_id), "positive": str(data_id >= 0)}, None, ""),
            "order": lambda: ({"z": "1", "a": "2", "m": "3"}, None, ""),
        }
        return answers.get(do, lambda: ({"price": str(price.tolist())}, None, ""))()
''' + one_op("PriceOp", "price", "housing")

GRAPH = '''
"""Two Ops: prices of a mini batch, a feed for every row of "x"; then their total, without a model."""

import numpy as np
from paddle_serving_server.web_service import WebService, Op


class PricesOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, inputs), = input_dicts.items()
        if "fail" in inputs:
            raise ValueError(inputs["fail"])
        rows = [row.split(",") for row in inputs["x"].split(";")]
        return [{"x": np.array(row, dtype="float32").reshape(1, 13)} for row in rows], False, None, ""

    def postprocess(self, input_dicts, fetched, data_id, log_id):
        return {"prices": np.concatenate([one["price"] for one in fetched])}, None, ""


class TotalOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        return input_dicts["prices"], False, None, ""

    def postprocess(self, input_dicts, fetched, data_id, log_id):
        prices = fetched["prices"]
        if len(prices) > 3:
            return {}, 60 + len(prices), "too many"
        return {"total": str(prices.sum()), "prices": repr(prices.tolist()), "from": ",".join(input_dicts)}, None, ""
''' + ending('TotalOp(name="total", input_ops=[PricesOp(name="prices", input_ops=[read_op])])', "totals")

OLD = '''
"""postprocess as it was before Paddle Serving 0.7, without data_id."""

import numpy as np
from paddle_serving_server.web_service import WebService, Op


class OldOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, inputs), = input_dicts.items()
        return {"x": np.array(inputs["x"].split(","), dtype="float32").reshape(1, 13)}, False, None, ""

    def postprocess(self, input_dicts, fetched, log_id):
        return {"price": str(fetched["price"].tolist())}, None, ""
''' + one_op("OldOp", "price", "old")

TYPES = '''
"""A model with three inputs of three types, fed with the tensors of the request in their order."""

from paddle_serving_server.web_service import WebService, Op


class TypesOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, inputs), = input_dicts.items()
        if "x" in inputs:
            return {"x": "0"}, True, None, ""
        return inputs, False, None, ""

    def postprocess(self, input_dicts, fetched, data_id, log_id):
        if "x" in fetched:
            return fetched, None, ""
        return {name: f"{value.dtype} {value.tolist()}" for name, value in fetched.items()}, None, ""
''' + one_op("TypesOp", "sum", "types")

CONFIG = """\
rpc_port: {rpc_port}
http_port: {http_port}
worker_num: 4
dag: {{is_thread_op: true}}
op:
  {op}:
    local_service_conf:
      client_type: local_predictor
      model_config: model
      thread_num: 1
      ir_optim: true
      use_mkldnn: true
"""
