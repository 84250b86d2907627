"""The classifier behind pictures, as PaddleX serves it: a base64 picture in, the scores of its classes out."""

import base64
import io
import json

import numpy as np
from paddle_serving_server.web_service import Op, WebService
from PIL import Image


class ClsOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        ((_, request),) = input_dicts.items()
        picture = Image.open(io.BytesIO(base64.b64decode(request["image"]))).convert("RGB")
        pixels = np.asarray(picture.resize((192, 48)), dtype=np.float32)
        normalized = (pixels / np.float32(255) - np.float32(0.5)) / np.float32(0.5)
        return {"x": np.ascontiguousarray(normalized.transpose(2, 0, 1)[np.newaxis])}, False, None, ""

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        (scores,) = fetch_dict.values()
        return {"scores": json.dumps(scores[0].tolist())}, None, ""


class ClsService(WebService):
    def get_pipeline_response(self, read_op):
        return ClsOp(name="cls", input_ops=[read_op])


service = ClsService(name="picture")
service.prepare_pipeline_config("config.yml")
service.run_service()
