"""How the output of a graph becomes a response body."""

from collections.abc import Callable
from typing import Any

from paddle_serving_runtime.engine.failure import OpFailed, from_exception
from paddle_serving_runtime.graph import Graph
from paddle_serving_runtime.protocol import pack_response, pack_tensors, pack_values

Pack = Callable[[dict[str, Any]], bytes]

_BASE = "paddle_serving_server.pipeline.operator"
_NAME = "response"


def packer(graph: Graph) -> Pack:
    """Tensors for a plain model; values for Ops, by the service's own ResponseOp where it overrides the packing."""
    if graph.nodes[-1].op is None:
        return pack_tensors
    response_op = graph.response_op
    if response_op is None or type(response_op).pack_response_package.__module__ == _BASE:
        return pack_values
    return lambda output: _pack_by(response_op, output)


def _pack_by(response_op: Any, output: dict[str, Any]) -> bytes:  # noqa: ANN401 - an Op of an untyped package
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
    except Exception as error:
        raise from_exception(_NAME, "pack_response_package", error) from error
    if response.err_no:
        raise OpFailed(_NAME, response.err_no, response.err_msg)
    return pack_response(dict(zip(response.key, response.value, strict=True)), tensors)
