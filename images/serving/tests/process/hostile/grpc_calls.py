"""Calls of gRPC that are right, for tests to spoil."""

from typing import TYPE_CHECKING, Any

import grpc
import numpy as np

from images.serving.tests.services import ROW as X
from paddle_serving_runtime.protocol.open_inference.messages import MESSAGES as OPEN_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES as PIPELINE

if TYPE_CHECKING:
    from images.serving.tests.process.hostile.conftest import Target

INFER = "/inference.GRPCInferenceService/ModelInfer"
GOOD_CALL = PIPELINE["Request"](key=["x"], value=[",".join(map(str, X))]).SerializeToString()
ROW = np.array([X], "float32")


def ask(target: "Target", method: str, message: bytes, compression: Any = None) -> tuple[grpc.StatusCode, str, bytes]:  # noqa: ANN401
    """Status, details and message of one call of raw bytes."""
    with grpc.insecure_channel(target.serving.grpc, options=[("grpc.max_send_message_length", -1)]) as channel:
        try:
            return grpc.StatusCode.OK, "", channel.unary_unary(method)(message, timeout=60, compression=compression)
        except grpc.RpcError as error:
            return error.code(), error.details() or "", b""


def infer(model: str = "price", raw: list[bytes] | None = None, **tensor: Any) -> bytes:  # noqa: ANN401 - fields
    fields: dict[str, Any] = {"name": "x", "datatype": "FP32", "shape": [1, 13]} | tensor
    raw = [ROW.tobytes()] if raw is None else raw
    return bytes(
        OPEN_INFERENCE["ModelInferRequest"](
            model_name=model, inputs=[fields], raw_input_contents=raw
        ).SerializeToString()
    )
