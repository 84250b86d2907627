"""Services for the tests: a web_service.py is what its Ops are, and an ending that is the same for all of them."""

from pathlib import Path

X = "0.0137,-0.1136,0.2553,-0.0692,0.0582,-0.0727,-0.1583,-0.0584,0.6283,0.4919,0.1856,0.0795,-0.0332"
"""A house, for the model of `uci_model`."""

ROW = [float(value) for value in X.split(",")]
PRICE = "[[18.901151657104492]]"
"""What Paddle Inference says to it, in the words of a service that answers with str(price.tolist())."""

IMPORTS = """
import numpy as np
from paddle_serving_server.web_service import WebService, Op
"""

POSTPROCESS = """
    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        return {"price": str(fetch_dict["price"].tolist())}, None, ""
"""
"""The second half of an Op that predicts a price."""

PRICE_OP = (
    """

class PriceOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, inputs), = input_dicts.items()
        values = [float(value) for value in inputs["x"].split(",")]
        return {"x": np.array(values, dtype="float32").reshape(-1, 13)}, False, None, ""
"""
    + POSTPROCESS
)


def ending(graph: str, name: str) -> str:
    """The service `name`, and its start; `graph` is its last Op, in which read_op is the request."""
    return f"""

class Service(WebService):
    def get_pipeline_response(self, read_op):
        return {graph}


service = Service(name="{name}")
service.prepare_pipeline_config("config.yml")
service.run_service()
"""


def one_op(kind: str, op: str, name: str) -> str:
    """The ending of a service with one Op of the class `kind`, called `op`."""
    return ending(f'{kind}(name="{op}", input_ops=[read_op])', name)


def config(op: str, *, threads: bool = False, **local: str) -> str:
    """The config.yml of a service with one Op on model/; `threads` instead of processes, `local` is of the model."""
    fields = "".join(f", {key}: {value}" for key, value in local.items())
    return f"""\
rpc_port: 9998
http_port: 18082
dag: {{is_thread_op: {str(threads).lower()}}}
op:
  {op}:
    local_service_conf: {{client_type: local_predictor, model_config: model{fields}}}
"""


KEEPING = """
import json

from paddle_serving_server.web_service import WebService, Op


class KeepingOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, given), = input_dicts.items()
        self.asked = {name: value.tolist() for name, value in given.items()}
        return dict(given), False, None, ""

    def postprocess(self, input_dicts, fetched, data_id, log_id):
        (answer,) = fetched.values()
        return {"asked": json.dumps(self.asked), "answer": json.dumps(answer.tolist())}, None, ""
""" + one_op("KeepingOp", "keeping", "svc")
"""A model behind an Op that keeps what it was asked in itself, and answers with it, as many published Ops do."""


def keep(package: Path) -> None:
    """Puts the Op that keeps the request before the plain model of a package."""
    (package / "web_service.py").write_text(KEEPING)
    (package / "config.yml").write_text(config("keeping"))
