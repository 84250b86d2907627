"""How a call becomes the input of the first Ops."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.engine.failure import OpFailed, from_exception
from paddle_serving_runtime.graph import Graph
from paddle_serving_runtime.protocol import BadRequest, ErrorCode
from paddle_serving_runtime.protocol.call import Call
from paddle_serving_runtime.protocol.pipeline.tensors import form_of

Unpack = Callable[[Call], tuple[dict[str, Any], int]]

_NAME = "request"
_LOD = ".lod"


def unpacker(graph: Graph) -> Unpack:
    """Inputs and log id of a call, by the service's own RequestOp where it overrides the unpacking.

    What it gives back raises BadRequest or OpFailed.
    """
    request_op = graph.request_op
    if request_op is None:
        return lambda call: (dict(call.inputs), call.log_id)
    return lambda call: _unpack_by(request_op, call, graph.service)


def _unpack_by(request_op: Any, call: Call, service: str) -> tuple[dict[str, Any], int]:  # noqa: ANN401 - untyped package
    """What unpack_request_package makes of the call as Paddle Serving's Request; it has no clientip and no method."""
    try:
        inputs, log_id, code, message = request_op.unpack_request_package(_message(call, service))
    except BadRequest:
        raise
    except BaseException as error:
        failure = from_exception(_NAME, "unpack_request_package", error)
        raise OpFailed(_NAME, ErrorCode.RPC_PACKAGE_ERROR, failure.message) from error
    if code is not None:
        raise OpFailed("", int(code) or ErrorCode.PRODUCT_ERROR, str(message))
    return dict(inputs), call.log_id if log_id is None else log_id


def _message(call: Call, service: str) -> Any:  # noqa: ANN401 - generated protobuf message
    from paddle_serving_server.pipeline.proto.pipeline_service_pb2 import (  # noqa: PLC0415 - once a service is loaded
        Request,
    )

    texts = {name: value for name, value in call.inputs.items() if isinstance(value, str)}
    arrays = {name: value for name, value in call.inputs.items() if isinstance(value, np.ndarray)}
    lods = {name for name in arrays if name.endswith(_LOD) and name.removesuffix(_LOD) in arrays}
    message = Request(key=list(texts), value=list(texts.values()), name=service, logid=call.log_id)
    for name in arrays.keys() - lods:
        _add(message, name, arrays)
    return message


def _add(message: Any, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:  # noqa: ANN401 - the same
    array, lod = arrays[name], arrays.get(f"{name}{_LOD}")
    try:
        elem_type, field = form_of(name, array.dtype)
    except ValueError as error:
        raise BadRequest(str(error), ErrorCode.INPUT_PARAMS_ERROR) from None
    numbers = {"lod": [] if lod is None else lod.ravel().tolist(), field: array.ravel().tolist()}
    message.tensors.add(name=name, elem_type=elem_type, shape=array.shape, **numbers)
