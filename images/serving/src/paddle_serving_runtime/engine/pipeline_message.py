"""A call as the protobuf message that a service's own RequestOp unpacks, and a response message as a Response."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.engine.failure import OpFailed, from_exception
from paddle_serving_runtime.protocol import ErrorCode, Response
from paddle_serving_runtime.protocol.call import Call
from paddle_serving_runtime.protocol.tensors import form_of

_LOD = ".lod"
_NAME = "response"


def request_message(call: Call) -> Any:  # noqa: ANN401 - a generated message
    """The Request that stands for the call's inputs: text as key and value, arrays as tensors of their own types.

    Nothing in it is pickled, whatever the client sent. Raises ValueError for a type without elem_type.
    """
    from paddle_serving_server.pipeline.proto.pipeline_service_pb2 import (  # noqa: PLC0415 - after install() only
        Request,
    )

    texts = {name: value for name, value in call.inputs.items() if isinstance(value, str)}
    request = Request(key=list(texts), value=list(texts.values()), logid=call.log_id)
    arrays = {name: value for name, value in call.inputs.items() if isinstance(value, np.ndarray)}
    for name, array in arrays.items():
        if name.endswith(_LOD) and name.removesuffix(_LOD) in arrays:
            continue
        elem_type, field = form_of(name, array.dtype)
        tensor = request.tensors.add(name=name, elem_type=elem_type, shape=array.shape)
        getattr(tensor, field).extend(array.ravel().tolist())
        if (lod := arrays.get(f"{name}{_LOD}")) is not None:
            tensor.lod.extend(lod.ravel().tolist())
    return request


def read_message(message: Any) -> Response:  # noqa: ANN401 - a generated message
    """The response of a service's ResponseOp. Raises OpFailed where it has an err_no, or cannot be read."""
    from paddle_serving_server.pipeline import RequestOp  # noqa: PLC0415 - importable after install() only

    if message.err_no:
        raise OpFailed("", message.err_no, message.err_msg)
    reader = RequestOp.proto_tensor_2_numpy
    try:
        tensors: dict[str, NDArray[Any]] = {tensor.name: reader(None, tensor)[0] for tensor in message.tensors}
        values = dict(zip(message.key, message.value, strict=True))
    except Exception as error:
        raise from_exception(_NAME, "pack_response_package", error) from error
    return Response(ErrorCode.OK, "", values, tensors)
