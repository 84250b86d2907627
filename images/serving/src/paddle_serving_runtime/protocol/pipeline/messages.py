"""The messages of Paddle Serving's pipeline service; source: pipeline_service.proto of Paddle Serving 0.9.0."""

from paddle_serving_runtime.message_tables import message_classes, proto3_file

SERVICE_NAME = "baidu.paddle_serving.pipeline_serving.PipelineService"

FILE = proto3_file(
    "pipeline_service.proto",
    "baidu.paddle_serving.pipeline_serving",
    {
        "Tensor": [
            ("int64_data", 1, "*int64"),
            ("float_data", 2, "*float"),
            ("int_data", 3, "*int32"),
            ("float64_data", 4, "*double"),
            ("uint32_data", 5, "*uint32"),
            ("bool_data", 6, "*bool"),
            ("complex64_data", 7, "*float"),
            ("complex128_data", 8, "*double"),
            ("str_data", 9, "*string"),
            ("byte_data", 10, "bytes"),
            ("elem_type", 20, "int32"),
            ("shape", 21, "*int32"),
            ("lod", 22, "*int32"),
            ("name", 23, "string"),
        ],
        "Request": [
            ("key", 1, "*string"),
            ("value", 2, "*string"),
            ("tensors", 3, "*Tensor"),
            ("name", 4, "string"),
            ("method", 5, "string"),
            ("logid", 6, "int64"),
            ("clientip", 7, "string"),
        ],
        "Response": [
            ("err_no", 1, "int32"),
            ("err_msg", 2, "string"),
            ("key", 3, "*string"),
            ("value", 4, "*string"),
            ("tensors", 5, "*Tensor"),
        ],
    },
    {"PipelineService": {"inference": ("Request", "Response")}},
)
MESSAGES = message_classes(FILE)
