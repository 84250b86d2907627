"""PP-OCRv5 text recognition as a Paddle Serving pipeline service."""

import json

from ctc import greedy_decode, load_characters
from paddle_serving_server.web_service import Op, WebService
from preprocess_ops import decode_image, resize_and_normalize

# Paddle Serving leaves 51 to 99 to the service; the client gets the code and the sentence.
BAD_IMAGE = 51


class RecOp(Op):
    def init_op(self):
        self.characters = load_characters("inference.yml")

    def preprocess(self, input_dicts, data_id, log_id):
        ((_, request),) = input_dicts.items()
        if "image" not in request:
            return {}, False, BAD_IMAGE, 'image: missing; send {"key": ["image"], "value": ["<base64>"]}'
        try:
            image = decode_image(request["image"])
            return {"x": resize_and_normalize(image)}, False, None, ""
        except ValueError as error:
            return {}, False, BAD_IMAGE, str(error)

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        (probabilities,) = fetch_dict.values()
        lines = [greedy_decode(line, self.characters) for line in probabilities]
        texts = [text for text, _ in lines]
        scores = [score for _, score in lines]
        return {"text": json.dumps(texts, ensure_ascii=False), "score": json.dumps(scores)}, None, ""


class RecService(WebService):
    def get_pipeline_response(self, read_op):
        return RecOp(name="rec", input_ops=[read_op])


service = RecService(name="ppocrv5-rec")
service.prepare_pipeline_config("config.yml")
service.run_service()
