"""PP-OCRv4's text detector as a Paddle Serving pipeline service: a base64 picture in under the key image."""

import json

from paddle_serving_server.web_service import Op, WebService
from pictures import decode_image
from preprocess_ops import postprocess, preprocess

# Paddle Serving leaves 51 to 99 to the service; the client gets the code and the sentence.
BAD_IMAGE = 51


class DetOp(Op):
    def init_op(self):
        pass

    def preprocess(self, input_dicts, data_id, log_id):
        ((_, request),) = input_dicts.items()
        if "image" not in request:
            return {}, False, BAD_IMAGE, 'image: missing; send {"key": ["image"], "value": ["<base64>"]}'
        try:
            return {"x": preprocess(decode_image(request["image"]))}, False, None, ""
        except ValueError as error:
            return {}, False, BAD_IMAGE, str(error)

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        ((_, request),) = input_dicts.items()
        (probability,) = fetch_dict.values()
        boxes = postprocess(probability, decode_image(request["image"]))
        return {"boxes": json.dumps(boxes.astype(float).tolist())}, None, ""


class DetService(WebService):
    def get_pipeline_response(self, read_op):
        return DetOp(name="det", input_ops=[read_op])


service = DetService(name="ppocrv4-det")
service.prepare_pipeline_config("config.yml")
service.run_service()
