"""A service that runs five models for one request, each fed with its own tensors of the request."""

from collections.abc import Iterable

import yaml

from images.serving.tests.services import ending, one_op

_CHAIN_OPS = '''
"""price -> second (fed with what price says) -> conv -> flags -> half; the answer has every output, bit by bit."""

import numpy as np
from paddle_serving_server.web_service import WebService, Op


class ModelOp(Op):
    inputs = ()

    def preprocess(self, input_dicts, data_id, log_id):
        (_, given), = input_dicts.items()
        return self.feed(given), False, None, ""

    def feed(self, given):
        return {name: given[f"{self.name}.{name}"] for name in self.inputs}

    def postprocess(self, input_dicts, fetched, data_id, log_id):
        (_, given), = input_dicts.items()
        return {**given, **{f"{self.name}:{name}": value for name, value in fetched.items()}}, None, ""


class PriceOp(ModelOp):
    inputs = ("x",)


class SecondOp(ModelOp):
    def feed(self, given):
        return {"x": np.tile(given["price:price"], (1, 4)) * np.array([1, 0.1, -0.1, 0.01], "float32")}


class ConvOp(ModelOp):
    inputs = ("x",)


class FlagsOp(ModelOp):
    inputs = ("a", "b", "c")


class HalfOp(ModelOp):
    inputs = ("x", "w")

    def postprocess(self, input_dicts, fetched, data_id, log_id):
        output, _, _ = super().postprocess(input_dicts, fetched, data_id, log_id)
        bits = {name: value for name, value in output.items() if ":" in name}
        return {name: f"{v.dtype} {list(v.shape)} {v.tobytes().hex()}" for name, v in bits.items()}, None, ""
'''


def _in_a_row(*ops: tuple[str, str]) -> str:
    """The last of these Ops, each with the one before it as its input; of each its class and its name."""
    graph = "read_op"
    for kind, name in ops:
        graph = f'{kind}(name="{name}", input_ops=[{graph}])'
    return graph


CHAIN = _CHAIN_OPS + ending(
    _in_a_row(
        ("PriceOp", "price"), ("SecondOp", "second"), ("ConvOp", "conv"), ("FlagsOp", "flags"), ("HalfOp", "half")
    ),
    "chain",
)


PASSING = """
from paddle_serving_server.web_service import WebService, Op


class PriceOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, given), = input_dicts.items()
        return {"x": given["x"]}, False, None, ""

    def postprocess(self, input_dicts, fetched, data_id, log_id):
        return {"price": fetched["price"].tobytes().hex()}, None, ""
""" + one_op("PriceOp", "price", "svc")
"""A model behind an Op that passes on what it gets, for what only config.yml can ask for; it answers bit by bit."""


def config(models: Iterable[str], *, batching: bool) -> str:
    """The config.yml for Ops called as their models."""
    op = {"batch_size": 4, "auto_batching_timeout": 2} if batching else {}
    local = {"client_type": "local_predictor"}
    ops = {model: {**op, "local_service_conf": {**local, "model_config": model}} for model in models}
    server = {"rpc_port": 9998, "http_port": 18082, "worker_num": 4, "dag": {"is_thread_op": True}}
    return yaml.safe_dump({**server, "op": ops})
