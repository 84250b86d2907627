"""The gRPC form of Paddle Serving's pipeline protocol: Request messages to inputs, responses to Response messages."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from paddle_serving_runtime.protocol.codes import BadRequest, ErrorCode
from paddle_serving_runtime.protocol.grpc.wire import fill
from paddle_serving_runtime.protocol.limits import Limits
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES
from paddle_serving_runtime.protocol.pipeline.request import PROFILE_KEY, Request, paired
from paddle_serving_runtime.protocol.pipeline.tensors import form_of, unpack_tensor
from paddle_serving_runtime.protocol.response import Response, UnpackableValue, sendable_message
from paddle_serving_runtime.words import counted

_REQUEST, _RESPONSE = MESSAGES["Request"], MESSAGES["Response"]
_LISTS = frozenset({"shape", "lod", "str_data"})


def parse_message(message: bytes, names: Collection[str], limits: Limits) -> Request:
    """The request in a Request message, with the same inputs as its JSON form has.

    Its `name` may be empty, as PipelineClient leaves it. Raises BadRequest (err_no 3002 for a name that is not in
    `names`) for what the JSON form refuses.
    """
    try:
        request = _REQUEST.FromString(message)
    except DecodeError:
        raise BadRequest("the message is not a Request of pipeline_service.proto") from None
    if request.name and request.name not in names:
        served = " and ".join(sorted(names))
        raise BadRequest(f"no such service; served here: {served}", ErrorCode.NO_SERVICE)
    for field, limit in (("key", limits.keys), ("value", limits.keys), ("tensors", limits.tensors)):
        if len(getattr(request, field)) > limit:
            count = len(getattr(request, field))
            raise BadRequest(f"{field} has {counted(count, 'element')}, at most {limit} are accepted")
    inputs: dict[str, str | NDArray[Any]] = dict(paired(request.key, request.value))
    for tensor in request.tensors:
        inputs.update(unpack_tensor(_as_mapping(tensor)))
    inputs.pop(PROFILE_KEY, None)
    return Request(inputs, request.logid)


def pack_message(response: Response) -> bytes:
    """The Response message. Raises UnpackableValue for a type without code and for text that is not Unicode."""
    message = _RESPONSE(err_no=response.err_no, err_msg=response.err_msg)
    try:
        message.key.extend(response.values.keys())
        message.value.extend(response.values.values())
        for name, array in response.tensors.items():
            elem_type, field = form_of(name, array.dtype)
            tensor = message.tensors.add(name=name, elem_type=elem_type, shape=array.shape)
            fill(tensor, field, array)
        return bytes(message.SerializeToString())
    except UnicodeEncodeError:
        raise UnpackableValue("an output holds text that is not valid Unicode") from None
    except ValueError as error:
        raise UnpackableValue(str(error)) from None


def read_message(message: bytes) -> Response:
    """The response in a Response message: the client's side of pack_message. Raises BadRequest where it is none."""
    try:
        response = _RESPONSE.FromString(message)
    except DecodeError:
        raise BadRequest("the response is not a Response") from None
    tensors: dict[str, Any] = {}
    for tensor in response.tensors:
        tensors.update(unpack_tensor(_as_mapping(tensor)))
    values = dict(paired(response.key, response.value))
    return Response(response.err_no, response.err_msg, values, tensors)


def error_message(err_no: int, err_msg: str) -> bytes:
    """The Response message of a failure; a code that is no 32-bit integer becomes UNKNOWN. Never raises."""
    code = err_no if -(2**31) <= err_no < 2**31 else ErrorCode.UNKNOWN
    return bytes(_RESPONSE(err_no=code, err_msg=sendable_message(err_msg)).SerializeToString())


def _as_mapping(tensor: Any) -> Mapping[str, Any]:  # noqa: ANN401 - generated protobuf message
    """The tensor as its JSON form has it, numbers as arrays; bytes are left out, whose elem_type is refused."""
    fields: dict[str, Any] = {"elem_type": 0}
    for descriptor, value in tensor.ListFields():
        name = descriptor.name
        if name in _LISTS:
            fields[name] = list(value)
        elif name in ("name", "elem_type"):
            fields[name] = value
        elif name != "byte_data":
            fields[name] = np.array(value)
    return fields
