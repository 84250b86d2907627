"""How the output of a graph becomes a response."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from paddle_serving_runtime.engine.failure import OpFailed, from_exception
from paddle_serving_runtime.graph import Graph
from paddle_serving_runtime.protocol import Response, UnpackableValue

Pack = Callable[[dict[str, Any]], Response]

_BASE = "paddle_serving_server.pipeline.operator"
_NAME = "response"


def packer(graph: Graph) -> Pack:
    """Tensors for a plain model; values for Ops, by the service's own ResponseOp where it overrides the packing.

    What it gives back raises UnpackableValue or OpFailed.
    """
    if graph.nodes[-1].op is None:
        return lambda output: Response(0, "", {}, output)
    response_op = graph.response_op
    if response_op is None or type(response_op).pack_response_package.__module__ == _BASE:
        return lambda output: Response(0, "", texts(output))
    return lambda output: _pack_by(response_op, output)


def texts(values: Mapping[str, object]) -> dict[str, str]:
    """Every value of what the last Op's postprocess returned as text.

    Equal to Paddle Serving's ResponseOp.pack_response_package: where every value is an array (or a list that begins
    with a string) each is its repr with all elements, else every value must be a str and is as it is.
    Raises UnpackableValue for anything else, and for text that is not valid Unicode.
    """
    if all(_is_array_like(value) for value in values.values()):
        with np.printoptions(threshold=sys.maxsize):
            return {str(key): repr(value) for key, value in values.items()}
    for key, value in values.items():
        if not isinstance(value, str):
            raise UnpackableValue(
                f"output {key} is a {type(value).__name__}; every output must be a str, or every one an ndarray"
            )
        try:
            value.encode()
        except UnicodeEncodeError:
            raise UnpackableValue(f"output {key} holds text that is not valid Unicode") from None
    return {str(key): str(value) for key, value in values.items()}


def _is_array_like(value: object) -> bool:
    return isinstance(value, np.ndarray) or (isinstance(value, list) and bool(value) and isinstance(value[0], str))


def _pack_by(response_op: Any, output: dict[str, Any]) -> Response:  # noqa: ANN401 - an Op of an untyped package
    from paddle_serving_server.pipeline import RequestOp  # noqa: PLC0415 - importable once a service is loaded
    from paddle_serving_server.pipeline.channel import ChannelData, ChannelDataType  # noqa: PLC0415 - the same

    try:
        if ChannelData.check_npdata(output)[0] == 0:
            data = ChannelData(ChannelDataType.CHANNEL_NPDATA.value, npdata=output, data_id=0, log_id=0)
        else:
            data = ChannelData(ChannelDataType.DICT.value, dictdata=output, data_id=0, log_id=0)
        response = response_op.pack_response_package(data)
        reader = RequestOp()
        tensors = {tensor.name: reader.proto_tensor_2_numpy(tensor)[0] for tensor in response.tensors}
    except BaseException as error:
        raise from_exception(_NAME, "pack_response_package", error) from error
    if response.err_no:
        raise OpFailed(_NAME, response.err_no, response.err_msg)
    return Response(0, "", dict(zip(response.key, response.value, strict=True)), tensors)
