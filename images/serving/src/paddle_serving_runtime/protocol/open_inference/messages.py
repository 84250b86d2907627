"""The messages of the Open Inference Protocol's gRPC service.

Source: open_inference_grpc.proto of kserve/open-inference-protocol v2; what Triton adds to it (two parameter types,
ModelStreamInfer, ModelConfig, ModelStatistics, RepositoryIndex) from grpc_service.proto and model_config.proto of
triton-inference-server/common r26.07, with the fields that are filled here.
"""

from paddle_serving_runtime.message_tables import message_classes, proto3_file

SERVICE_NAME = "inference.GRPCInferenceService"

_NAME_VERSION = [("name", 1, "string"), ("version", 2, "string")]
_TENSOR = [("name", 1, "string"), ("datatype", 2, "string"), ("shape", 3, "*int64")]
_PARAMETERS = "map InferParameter"

DATA_TYPES = {
    "BOOL": "TYPE_BOOL",
    "UINT8": "TYPE_UINT8",
    "UINT16": "TYPE_UINT16",
    "UINT32": "TYPE_UINT32",
    "UINT64": "TYPE_UINT64",
    "INT8": "TYPE_INT8",
    "INT16": "TYPE_INT16",
    "INT32": "TYPE_INT32",
    "INT64": "TYPE_INT64",
    "FP16": "TYPE_FP16",
    "FP32": "TYPE_FP32",
    "FP64": "TYPE_FP64",
    "BYTES": "TYPE_STRING",
    "BF16": "TYPE_BF16",
}
"""What a data type is called in a model's configuration, in the order of the enum's values from 1 on."""

_INFERENCE_STATISTICS = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")

FILE = proto3_file(
    "grpc_service.proto",
    "inference",
    {
        "ServerLiveRequest": [],
        "ServerLiveResponse": [("live", 1, "bool")],
        "ServerReadyRequest": [],
        "ServerReadyResponse": [("ready", 1, "bool")],
        "ModelReadyRequest": _NAME_VERSION,
        "ModelReadyResponse": [("ready", 1, "bool")],
        "ServerMetadataRequest": [],
        "ServerMetadataResponse": [*_NAME_VERSION, ("extensions", 3, "*string")],
        "ModelMetadataRequest": _NAME_VERSION,
        "ModelMetadataResponse": [
            ("name", 1, "string"),
            ("versions", 2, "*string"),
            ("platform", 3, "string"),
            ("inputs", 4, "*ModelMetadataResponse.TensorMetadata"),
            ("outputs", 5, "*ModelMetadataResponse.TensorMetadata"),
        ],
        "ModelMetadataResponse.TensorMetadata": _TENSOR,
        "InferParameter": [
            ("bool_param", 1, "parameter_choice: bool"),
            ("int64_param", 2, "parameter_choice: int64"),
            ("string_param", 3, "parameter_choice: string"),
            ("double_param", 4, "parameter_choice: double"),
            ("uint64_param", 5, "parameter_choice: uint64"),
        ],
        "InferTensorContents": [
            ("bool_contents", 1, "*bool"),
            ("int_contents", 2, "*int32"),
            ("int64_contents", 3, "*int64"),
            ("uint_contents", 4, "*uint32"),
            ("uint64_contents", 5, "*uint64"),
            ("fp32_contents", 6, "*float"),
            ("fp64_contents", 7, "*double"),
            ("bytes_contents", 8, "*bytes"),
        ],
        "ModelInferRequest": [
            ("model_name", 1, "string"),
            ("model_version", 2, "string"),
            ("id", 3, "string"),
            ("parameters", 4, _PARAMETERS),
            ("inputs", 5, "*ModelInferRequest.InferInputTensor"),
            ("outputs", 6, "*ModelInferRequest.InferRequestedOutputTensor"),
            ("raw_input_contents", 7, "*bytes"),
        ],
        "ModelInferRequest.InferInputTensor": [
            *_TENSOR,
            ("parameters", 4, _PARAMETERS),
            ("contents", 5, "InferTensorContents"),
        ],
        "ModelInferRequest.InferRequestedOutputTensor": [("name", 1, "string"), ("parameters", 2, _PARAMETERS)],
        "ModelInferResponse": [
            ("model_name", 1, "string"),
            ("model_version", 2, "string"),
            ("id", 3, "string"),
            ("parameters", 4, _PARAMETERS),
            ("outputs", 5, "*ModelInferResponse.InferOutputTensor"),
            ("raw_output_contents", 6, "*bytes"),
        ],
        "ModelInferResponse.InferOutputTensor": [
            *_TENSOR,
            ("parameters", 4, _PARAMETERS),
            ("contents", 5, "InferTensorContents"),
        ],
        "ModelStreamInferResponse": [("error_message", 1, "string"), ("infer_response", 2, "ModelInferResponse")],
        "ModelVersionPolicy": [("latest", 1, "policy_choice: ModelVersionPolicy.Latest")],
        "ModelVersionPolicy.Latest": [("num_versions", 1, "uint32")],
        "ModelInput": [
            ("name", 1, "string"),
            ("data_type", 2, "enum DataType"),
            ("dims", 4, "*int64"),
            ("optional", 8, "bool"),
        ],
        "ModelOutput": [("name", 1, "string"), ("data_type", 2, "enum DataType"), ("dims", 3, "*int64")],
        "ModelConfig": [
            ("name", 1, "string"),
            ("platform", 2, "string"),
            ("version_policy", 3, "ModelVersionPolicy"),
            ("max_batch_size", 4, "int32"),
            ("input", 5, "*ModelInput"),
            ("output", 6, "*ModelOutput"),
            ("backend", 17, "string"),
        ],
        "ModelConfigRequest": _NAME_VERSION,
        "ModelConfigResponse": [("config", 1, "ModelConfig")],
        "StatisticDuration": [("count", 1, "uint64"), ("ns", 2, "uint64")],
        "InferStatistics": [
            (name, number, "StatisticDuration") for number, name in enumerate(_INFERENCE_STATISTICS, start=1)
        ],
        "ModelStatistics": [
            *_NAME_VERSION,
            ("last_inference", 3, "uint64"),
            ("inference_count", 4, "uint64"),
            ("execution_count", 5, "uint64"),
            ("inference_stats", 6, "InferStatistics"),
        ],
        "ModelStatisticsRequest": _NAME_VERSION,
        "ModelStatisticsResponse": [("model_stats", 1, "*ModelStatistics")],
        "RepositoryIndexRequest": [("repository_name", 1, "string"), ("ready", 2, "bool")],
        "RepositoryIndexResponse": [("models", 1, "*RepositoryIndexResponse.ModelIndex")],
        "RepositoryIndexResponse.ModelIndex": [*_NAME_VERSION, ("state", 3, "string"), ("reason", 4, "string")],
    },
    {
        "GRPCInferenceService": {
            "ServerLive": ("ServerLiveRequest", "ServerLiveResponse"),
            "ServerReady": ("ServerReadyRequest", "ServerReadyResponse"),
            "ModelReady": ("ModelReadyRequest", "ModelReadyResponse"),
            "ServerMetadata": ("ServerMetadataRequest", "ServerMetadataResponse"),
            "ModelMetadata": ("ModelMetadataRequest", "ModelMetadataResponse"),
            "ModelInfer": ("ModelInferRequest", "ModelInferResponse"),
            "ModelStreamInfer": ("stream ModelInferRequest", "stream ModelStreamInferResponse"),
            "ModelConfig": ("ModelConfigRequest", "ModelConfigResponse"),
            "ModelStatistics": ("ModelStatisticsRequest", "ModelStatisticsResponse"),
            "RepositoryIndex": ("RepositoryIndexRequest", "RepositoryIndexResponse"),
        }
    },
    enums={"DataType": ["TYPE_INVALID", *DATA_TYPES.values()]},
)
MESSAGES = message_classes(FILE)
