"""Services for the tests: the texts of a web_service.py and its config.yml."""

from images.serving.tests.object_loaders import LOAD
from images.serving.tests.services import one_op

TROUBLE_OP = (
    f"""
LOAD = {LOAD!r}
"""
    """
import os
import signal
import sys
import time
import numpy as np
from paddle_serving_server.pipeline.error_catch import CustomException, CustomExceptionCode
from paddle_serving_server.web_service import WebService, Op


class TroubleOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, inputs), = input_dicts.items()
        self.request = inputs
        do = inputs.get("do", "")
        if do == "raise":
            raise ValueError("cannot read /models/secret/file")
        if do == "custom":
            raise CustomException(CustomExceptionCode.INPUT_PARAMS_ERROR, "a secret")
        if do == "custom for the client":
            raise CustomException(CustomExceptionCode.INPUT_PARAMS_ERROR, "no such file /models/a/b", True)
        if do == "sys.exit":
            sys.exit(3)
        if do == "os._exit":
            os._exit(9)
        if do == "killpg":
            os.killpg(os.getpgrp(), signal.SIGKILL)
        if do == "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        if do == "code":
            return None, False, 55, "no image"
        if do == "code 0":
            return None, False, 0, "zero"
        if do == "stuck":
            self.client._model.run = lambda feed: time.sleep(600)
        if do == "wrong type":
            return "text", False, None, ""
        if do == "wrong feed":
            return {"wrong": np.zeros((1, 13), "float32")}, False, None, ""
        if do == LOAD:
            np.save("array.npy", np.zeros(1))
            np.load("array.npy")
        if do == "skip":
            return {"price": np.zeros(1)}, True, None, ""
        if do == "wait":
            open(inputs["for"] + ".begun", "w").close()
        while do == "hang" or do == "wait" and not os.path.exists(inputs["for"]):
            time.sleep(0.01)
        rows = [[float(value) for value in row.split(",")] for row in inputs["x"].split(";")]
        return {"x": np.array(rows, dtype="float32")}, False, None, ""

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        (_, inputs), = input_dicts.items()
        do = inputs.get("do", "")
        if do == "empty list":
            return {"y": []}, None, ""
        if do == "number":
            return {"y": 3}, None, ""
        if do == "not a dict":
            return "y", None, ""
        if do == "late code":
            return {}, 56, "no price"
        if do == "self":
            return {"x": self.request["x"]}, None, ""
        if do == "keys":
            return {"keys": ",".join(sorted(inputs))}, None, ""
        return {"price": str(fetch_dict["price"].tolist()), "pid": str(os.getpid())}, None, ""
"""
)
TROUBLE = TROUBLE_OP + one_op("TroubleOp", "trouble", "trouble")

TROUBLE_CONFIG = """\
rpc_port: 9998
http_port: 18082
worker_num: 4
dag: {is_thread_op: false}
op:
  trouble:
    local_service_conf: {client_type: local_predictor, model_config: uci_housing_model}
"""
