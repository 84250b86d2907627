"""A text classifier as a Paddle Serving pipeline service: texts in under any keys, class_id and prob out."""

import numpy as np
from paddle_serving_server.web_service import Op, WebService
from preprocess_ops import best_classes, preprocess

# Paddle Serving leaves 51 to 99 to the service; the client gets the code and the sentence.
BAD_TEXT = 51


class TextOp(Op):
    def init_op(self):
        pass

    def preprocess(self, input_dicts, data_id, log_id):
        ((_, request),) = input_dicts.items()
        try:
            ids = np.stack([preprocess(text) for text in request.values()])
        except ValueError as error:
            return {}, False, BAD_TEXT, str(error)
        return {"input_ids": ids}, False, None, ""

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        (output,) = fetch_dict.values()
        classes, probabilities = best_classes(output)
        return {"class_id": str(classes), "prob": str(probabilities)}, None, ""


class TextService(WebService):
    def get_pipeline_response(self, read_op):
        return TextOp(name="text", input_ops=[read_op])


service = TextService(name="text-classifier")
service.prepare_pipeline_config("config.yml")
service.run_service()
