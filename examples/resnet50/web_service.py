"""ResNet-50 as a Paddle Serving pipeline service: pictures in under any keys, class_id and prob out."""

import numpy as np
from paddle_serving_server.web_service import Op, WebService
from preprocess_ops import best_classes, preprocess


class ResNet50Op(Op):
    def init_op(self):
        pass

    def preprocess(self, input_dicts, data_id, log_id):
        ((_, request),) = input_dicts.items()
        images = [preprocess(request[key]) for key in request]
        return {"inputs": np.ascontiguousarray(np.stack(images))}, False, None, ""

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        (output,) = fetch_dict.values()
        classes, probabilities = best_classes(output)
        return {"class_id": str(classes), "prob": str(probabilities)}, None, ""


class ResNet50Service(WebService):
    def get_pipeline_response(self, read_op):
        return ResNet50Op(name="resnet50", input_ops=[read_op])


service = ResNet50Service(name="resnet50")
service.prepare_pipeline_config("config.yml")
service.run_service()
