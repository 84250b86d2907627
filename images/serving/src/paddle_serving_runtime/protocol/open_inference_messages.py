"""The messages of the Open Inference Protocol's gRPC service.

Source: open_inference_grpc.proto of kserve/open-inference-protocol v2, with the two parameter types
(double_param, uint64_param) that Triton adds.
"""

from paddle_serving_runtime.protocol.messages import file_descriptor, message_classes

SERVICE_NAME = "inference.GRPCInferenceService"

_NAME_VERSION = [("name", 1, "string"), ("version", 2, "string")]
_TENSOR = [("name", 1, "string"), ("datatype", 2, "string"), ("shape", 3, "*int64")]
_PARAMETERS = "map InferParameter"

FILE = file_descriptor(
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
    },
    {
        "GRPCInferenceService": {
            "ServerLive": ("ServerLiveRequest", "ServerLiveResponse"),
            "ServerReady": ("ServerReadyRequest", "ServerReadyResponse"),
            "ModelReady": ("ModelReadyRequest", "ModelReadyResponse"),
            "ServerMetadata": ("ServerMetadataRequest", "ServerMetadataResponse"),
            "ModelMetadata": ("ModelMetadataRequest", "ModelMetadataResponse"),
            "ModelInfer": ("ModelInferRequest", "ModelInferResponse"),
        }
    },
)
MESSAGES = message_classes(FILE)
