"""AlexNet as a Paddle Serving pipeline service: pictures in under any keys, class_id and prob out."""

import numpy as np
from paddle_serving_server.web_service import Op, WebService
from preprocess_ops import best_classes, preprocess


class AlexNetOp(Op):
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


class AlexNetService(WebService):
    def get_pipeline_response(self, read_op):
        return AlexNetOp(name="alexnet", input_ops=[read_op])


alexnet_service = AlexNetService(name="alexnet")
alexnet_service.prepare_pipeline_config("config.yml")
alexnet_service.run_service()
