"""PP-OCR's classifier of directions as a Paddle Serving pipeline service: a base64 picture in under the key image."""

import json

from paddle_serving_server.web_service import Op, WebService
from preprocess_ops import postprocess, preprocess

# Paddle Serving leaves 51 to 99 to the service; the client gets the code and the sentence.
BAD_IMAGE = 51


class ClsOp(Op):
    def init_op(self):
        pass

    def preprocess(self, input_dicts, data_id, log_id):
        ((_, request),) = input_dicts.items()
        if "image" not in request:
            return {}, False, BAD_IMAGE, 'image: missing; send {"key": ["image"], "value": ["<base64>"]}'
        try:
            return {"x": preprocess(request["image"])[None]}, False, None, ""
        except ValueError as error:
            return {}, False, BAD_IMAGE, str(error)

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        (probabilities,) = fetch_dict.values()
        return {name: json.dumps(values) for name, values in postprocess(probabilities).items()}, None, ""


class ClsService(WebService):
    def get_pipeline_response(self, read_op):
        return ClsOp(name="cls", input_ops=[read_op])


service = ClsService(name="ppocrv4-cls")
service.prepare_pipeline_config("config.yml")
service.run_service()
