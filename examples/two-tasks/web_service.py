"""A recommender with two inputs and three outputs as a Paddle Serving pipeline service."""

import json

from paddle_serving_server.web_service import Op, WebService
from preprocess_ops import postprocess, preprocess

# Paddle Serving leaves 51 to 99 to the service; the client gets the code and the sentence.
BAD_CUSTOMER = 51


class TasksOp(Op):
    def init_op(self):
        pass

    def preprocess(self, input_dicts, data_id, log_id):
        ((_, request),) = input_dicts.items()
        try:
            items, profile = preprocess(request.get("items", ""), request.get("profile", ""))
        except ValueError as error:
            return {}, False, BAD_CUSTOMER, str(error)
        return {"items": items, "profile": profile}, False, None, ""

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        answer = postprocess(*fetch_dict.values())
        return {name: json.dumps(values) for name, values in answer.items()}, None, ""


class TasksService(WebService):
    def get_pipeline_response(self, read_op):
        return TasksOp(name="tasks", input_ops=[read_op])


service = TasksService(name="two-tasks")
service.prepare_pipeline_config("config.yml")
service.run_service()
