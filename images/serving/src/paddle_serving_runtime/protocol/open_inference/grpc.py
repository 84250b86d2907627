"""The gRPC form of the Open Inference Protocol: ModelInferRequest to a call, a response to ModelInferResponse. Pure."""

from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from paddle_serving_runtime.protocol.call import Call
from paddle_serving_runtime.protocol.codes import BadRequest
from paddle_serving_runtime.protocol.grpc.wire import fill
from paddle_serving_runtime.protocol.limits import Limits
from paddle_serving_runtime.protocol.numbers import narrowed
from paddle_serving_runtime.protocol.open_inference.common import (
    VERSION,
    InferRequest,
    Output,
    Resolve,
    describe_output,
    outputs_of,
    raw_of,
    refuse_request_extensions,
    refuse_tensor_extensions,
    require_names,
    require_unique,
    response_of,
    text_input,
    texts_of,
)
from paddle_serving_runtime.protocol.open_inference.datatypes import (
    BINARY_ONLY,
    BYTES,
    DTYPES,
    from_raw,
    refusal,
    require_datatype,
    require_shape,
    texts_from_raw,
)
from paddle_serving_runtime.protocol.open_inference.messages import MESSAGES
from paddle_serving_runtime.protocol.response import Response, UnpackableValue
from paddle_serving_runtime.words import counted

_REQUEST, _RESPONSE = MESSAGES["ModelInferRequest"], MESSAGES["ModelInferResponse"]
_BINARY_DEFAULT = "binary_data_output"
_A_MODEL = "model"
_TYPED = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    BYTES: "bytes_contents",
}


def parse_infer(message: bytes, resolve: Resolve, limits: Limits) -> InferRequest:
    """The request in a ModelInferRequest; outputs are sent as raw_output_contents unless it says otherwise.

    It does with the parameter binary_data_output = false. Raises BadRequest saying which field is wrong.
    """
    try:
        request = _REQUEST.FromString(message)
    except DecodeError:
        raise BadRequest("the message is not a ModelInferRequest") from None
    target = resolve(request.model_name, request.model_version)
    refuse_request_extensions(request.parameters)
    for kind, tensors in (("input", request.inputs), ("output", request.outputs)):
        if len(tensors) > limits.tensors:
            raise refusal(f"there are {len(tensors)} {kind}s, at most {limits.tensors} are accepted")
        require_names(kind, [tensor.name for tensor in tensors])
        for tensor in tensors:
            refuse_tensor_extensions(f"{kind} {tensor.name[:80]}", tensor.parameters)
    require_unique([tensor.name for tensor in request.inputs])
    # of an output that is asked for twice there is one answer
    outputs = tuple(dict.fromkeys(output.name for output in request.outputs))
    call = Call(target, _inputs(target, request), outputs=outputs)
    return InferRequest(request.model_name, request.id, call, {}, binary_default=_wants_bytes(request))


def pack_infer(request: InferRequest, response: Response) -> bytes:
    """The ModelInferResponse that answers `request`.

    Raises UnpackableValue for a type that the protocol does not have, BadRequest for an output that there is not and
    for one that only bytes can carry where typed contents were asked for.
    """
    message = _RESPONSE(model_name=request.model, model_version=VERSION, id=request.id)
    try:
        for name, output in outputs_of(response, request.call.outputs).items():
            datatype, shape = describe_output(name, output)
            described = message.outputs.add(name=name, datatype=datatype, shape=shape)
            if request.binary_default:
                message.raw_output_contents.append(raw_of(output))
            else:
                _fill_typed(described, output)
        return bytes(message.SerializeToString())
    except UnicodeEncodeError:
        raise UnpackableValue("an output holds text that is not valid Unicode") from None
    except ValueError as error:
        raise UnpackableValue(str(error)) from None


def read_infer(message: bytes) -> Response:
    """The response in a ModelInferResponse: the client's side of pack_infer. Raises BadRequest where it is none."""
    try:
        response = _RESPONSE.FromString(message)
    except DecodeError:
        raise BadRequest("the response is not a ModelInferResponse") from None
    raws = response.raw_output_contents
    if not raws:
        return response_of({tensor.name: _typed_input(_A_MODEL, tensor) for tensor in response.outputs})
    if len(raws) != len(response.outputs):
        described = counted(len(response.outputs), "output")
        raise BadRequest(f"the response describes {described} and has the bytes of {len(raws)}")
    tensors = zip(response.outputs, raws, strict=True)
    return response_of({tensor.name: _raw_input(_A_MODEL, tensor, raw) for tensor, raw in tensors})


def _wants_bytes(request: Any) -> bool:  # noqa: ANN401 - generated protobuf message
    if _BINARY_DEFAULT not in request.parameters:
        return True
    parameter = request.parameters[_BINARY_DEFAULT]
    if parameter.WhichOneof("parameter_choice") != "bool_param":
        raise refusal(f"parameter {_BINARY_DEFAULT} must be a bool_param")
    return bool(parameter.bool_param)


def _inputs(target: str, request: Any) -> dict[str, str | NDArray[Any]]:  # noqa: ANN401 - generated protobuf message
    raws = request.raw_input_contents
    if not raws:
        return {tensor.name: _typed_input(target, tensor) for tensor in request.inputs}
    if len(raws) != len(request.inputs):
        raise refusal(f"the request has {counted(len(request.inputs), 'input')}, but {len(raws)} raw_input_contents")
    return {tensor.name: _raw_input(target, tensor, raw) for tensor, raw in zip(request.inputs, raws, strict=True)}


def _raw_input(target: str, tensor: Any, raw: bytes) -> str | NDArray[Any]:  # noqa: ANN401 - the same
    name = tensor.name
    # MLServer's use_raw sets contents with nothing in it
    if tensor.contents.ListFields():
        raise refusal(f"input {name} has contents beside raw_input_contents; all inputs have one or the other")
    datatype, shape = require_datatype(name, tensor.datatype), require_shape(name, tensor.shape)
    if datatype == BYTES:
        return text_input(target, name, shape, texts_from_raw(name, shape, raw))
    return from_raw(name, datatype, shape, raw)


def _typed_input(target: str, tensor: Any) -> str | NDArray[Any]:  # noqa: ANN401 - the same
    name = tensor.name
    datatype, shape = require_datatype(name, tensor.datatype), require_shape(name, tensor.shape)
    if datatype in BINARY_ONLY:
        raise refusal(f"input {name}: {datatype} has no typed contents; send it as raw_input_contents")
    field = _TYPED[datatype]
    if others := [used.name for used, _ in tensor.contents.ListFields() if used.name != field]:
        raise refusal(f"input {name}: {datatype} is sent in {field}, not in {others[0]}")
    values = getattr(tensor.contents, field)
    if datatype == BYTES:
        return text_input(target, name, shape, list(values))
    try:
        array = narrowed(np.array(values), DTYPES[datatype])
    except ValueError as error:
        raise refusal(f"input {name}: a value in {field} {error}") from None
    try:
        return array.reshape(shape)
    except ValueError:
        raise refusal(f"input {name}: {counted(array.size, 'value')} cannot fill the shape {list(shape)}") from None


def _fill_typed(described: Any, output: Output) -> None:  # noqa: ANN401 - the same
    name, datatype = described.name, described.datatype
    if datatype in BINARY_ONLY:
        raise refusal(f"output {name}: {datatype} has no typed contents; leave out binary_data_output")
    if isinstance(output, str) or datatype == BYTES:
        described.contents.bytes_contents.extend(text.encode() for text in texts_of(output))
    else:
        fill(described.contents, _TYPED[datatype], output)
