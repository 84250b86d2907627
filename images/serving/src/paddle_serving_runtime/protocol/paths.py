"""Which paths a worker answers, and which the supervisor."""

from paddle_serving_runtime.protocol.open_inference import messages as open_inference_messages
from paddle_serving_runtime.protocol.pipeline import messages as pipeline_messages

PIPELINE_INFERENCE = f"/{pipeline_messages.SERVICE_NAME}/inference"
MODEL_INFER = f"/{open_inference_messages.SERVICE_NAME}/ModelInfer"
MODEL_STREAM_INFER = f"/{open_inference_messages.SERVICE_NAME}/ModelStreamInfer"

WORKER_GRPC_PATHS = (PIPELINE_INFERENCE, MODEL_INFER)
"""gRPC methods that a worker answers; every other path of the gRPC port is the supervisor's."""

OPEN_INFERENCE_ROOT = "/v2"
"""GET of this path and of those below it is the supervisor's, POST below it a worker's."""

INFER_PATTERN = f"^{OPEN_INFERENCE_ROOT}/models/[^/]+(/versions/[^/]+)?/infer$"
"""The paths below it that have POST and are a worker's."""

REPOSITORY_ROOT = f"{OPEN_INFERENCE_ROOT}/repository"
"""Every method of the paths below it is the supervisor's; the index is POST, as in Triton."""

ONLY_POST = "only POST is answered"
ONLY_GET = "only GET is answered; inference is POST /v2/models/<model>/infer"

GRPC_SERVICE_NAMES = (pipeline_messages.SERVICE_NAME, open_inference_messages.SERVICE_NAME)
"""What grpc.health.v1 and reflection tell of."""

_BELOW_ROOT = f"{OPEN_INFERENCE_ROOT}/"
_READING = ("GET", "HEAD")
_POSTING = ("POST",)
_OF_MODEL = {"": _READING, "ready": _READING, "config": _READING, "stats": _READING, "infer": _POSTING}


def is_open_inference(path: str) -> bool:
    """Whether a path is one of the Open Inference Protocol's REST form, be there such a path or not."""
    return path.startswith(_BELOW_ROOT) or path == OPEN_INFERENCE_ROOT


def open_inference_methods(path: str) -> tuple[str, ...]:
    """The methods that a path of the Open Inference Protocol's REST form has; none where there is no such path."""
    match path.split("/"):
        case ["", "v2"] | ["", "v2", "health", "live" | "ready"]:
            return _READING
        case ["", "v2", "repository", "index"] | ["", "v2", "repository", _, "index"]:
            return _POSTING
        case ["", "v2", "models", _, "versions", _, *rest] | ["", "v2", "models", _, *rest]:
            return _OF_MODEL.get("/".join(rest), ())
        case _:
            return ()
