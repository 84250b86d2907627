"""Which paths a worker answers, and which the supervisor."""

from paddle_serving_runtime.protocol import open_inference_messages, pipeline_messages

PIPELINE_INFERENCE = f"/{pipeline_messages.SERVICE_NAME}/inference"
MODEL_INFER = f"/{open_inference_messages.SERVICE_NAME}/ModelInfer"

WORKER_GRPC_PATHS = (PIPELINE_INFERENCE, MODEL_INFER)
"""gRPC methods that a worker answers; every other path of the gRPC port is the supervisor's."""

OPEN_INFERENCE_ROOT = "/v2"
"""GET of this path and of those below it is the supervisor's, POST below it a worker's."""

GRPC_SERVICE_NAMES = (pipeline_messages.SERVICE_NAME, open_inference_messages.SERVICE_NAME)
"""What grpc.health.v1 and reflection tell of."""
