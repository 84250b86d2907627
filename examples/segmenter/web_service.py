"""A segmentation network for pictures of any size as a Paddle Serving pipeline service."""

import json

from paddle_serving_server.web_service import Op, WebService
from preprocess_ops import areas, preprocess

# Paddle Serving leaves 51 to 99 to the service; the client gets the code and the sentence.
BAD_IMAGE = 51


class SegmentOp(Op):
    def init_op(self):
        pass

    def preprocess(self, input_dicts, data_id, log_id):
        ((_, request),) = input_dicts.items()
        if "image" not in request:
            return {}, False, BAD_IMAGE, 'image: missing; send {"key": ["image"], "value": ["<base64>"]}'
        try:
            return {"image": preprocess(request["image"])}, False, None, ""
        except ValueError as error:
            return {}, False, BAD_IMAGE, str(error)

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        (output,) = fetch_dict.values()
        return {name: json.dumps(values) for name, values in areas(output).items()}, None, ""


class SegmentService(WebService):
    def get_pipeline_response(self, read_op):
        return SegmentOp(name="segment", input_ops=[read_op])


service = SegmentService(name="segmenter")
service.prepare_pipeline_config("config.yml")
service.run_service()
