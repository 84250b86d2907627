"""PP-OCRv4 as a Paddle Serving pipeline service of two models: a page in under the key image, its lines out."""

import json

from ctc import load_characters
from paddle_serving_server.web_service import Op, WebService
from pictures import decode_image
from preprocess_ops import boxes_of, detector_input, groups, page, recognizer_input

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
            return {"x": detector_input(decode_image(request["image"]))}, False, None, ""
        except ValueError as error:
            return {}, False, BAD_IMAGE, str(error)

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        ((_, request),) = input_dicts.items()
        image = decode_image(request["image"])
        (probability,) = fetch_dict.values()
        return {"image": image, "boxes": boxes_of(probability, image)}, None, ""


class RecOp(Op):
    def init_op(self):
        self.characters = load_characters("ppocr_keys_v1.txt")

    def preprocess(self, input_dicts, data_id, log_id):
        ((_, found),) = input_dicts.items()
        feeds = [{"x": recognizer_input(found["image"], found["boxes"][group])} for group in groups(found["boxes"])]
        # a page without text: True says that there is nothing to run
        return feeds or {}, not feeds, None, ""

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        ((_, found),) = input_dicts.items()
        runs = fetch_dict if isinstance(fetch_dict, list) else []
        outputs = [next(iter(run.values())) for run in runs]
        lines = page(found["boxes"], outputs, self.characters)
        return {name: json.dumps(values, ensure_ascii=False) for name, values in lines.items()}, None, ""


class SystemService(WebService):
    def get_pipeline_response(self, read_op):
        det = DetOp(name="det", input_ops=[read_op])
        return RecOp(name="rec", input_ops=[det])


service = SystemService(name="ppocrv4-system")
service.prepare_pipeline_config("config.yml")
service.run_service()
