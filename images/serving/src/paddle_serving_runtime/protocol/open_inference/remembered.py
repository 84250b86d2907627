"""Requests whose JSON is that of one before, with other tensors behind it: most of a client's are."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.protocol.call import Call
from paddle_serving_runtime.protocol.limits import Limits
from paddle_serving_runtime.protocol.open_inference.common import InferRequest
from paddle_serving_runtime.protocol.open_inference.datatypes import datatype_of, from_raw
from paddle_serving_runtime.protocol.open_inference.rest import header_length_of, parse_infer

_MOST = 256
_MOST_BYTES = 4096
"""Clients choose what is remembered, so it must end somewhere."""


class _Tensor(NamedTuple):
    """An input as it was accepted."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    size: int


class _Known(NamedTuple):
    """What was made of a JSON: everything but the bytes of its tensors, `size` of them."""

    request: InferRequest
    tensors: tuple[_Tensor, ...]
    size: int


class InferParser:
    """rest.parse_infer, which remembers the JSON of requests that were accepted and have all tensors as bytes."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: dict[tuple[str, str, bytes], _Known] = {}

    def __call__(self, model: str, target: str, body: bytes | bytearray, header_length: str | None) -> InferRequest:
        """As parse_infer."""
        if header_length is None or len(body) > self._limits.body_bytes:
            return parse_infer(model, target, body, header_length, self._limits)
        length = header_length_of(header_length, len(body))
        if length > _MOST_BYTES:
            return parse_infer(model, target, body, header_length, self._limits)
        key = (model, target, bytes(memoryview(body)[:length]))
        known = self._known.get(key)
        if known is not None and known.size == len(body) - length:
            return _again(known, target, memoryview(body)[length:])
        request = parse_infer(model, target, body, header_length, self._limits)
        if known is None and len(self._known) < _MOST:
            self._remember(key, request, len(body) - length)
        return request

    def _remember(self, key: tuple[str, str, bytes], request: InferRequest, size: int) -> None:
        arrays = request.call.inputs
        tensors = tuple(
            _Tensor(name, datatype_of(name, array.dtype), array.shape, array.nbytes)
            for name, array in arrays.items()
            if isinstance(array, np.ndarray) and array.dtype.kind != "U"
        )
        # else there is text among them, or numbers in the JSON itself
        if len(tensors) == len(arrays) and sum(tensor.size for tensor in tensors) == size:
            without = request._replace(call=Call(request.call.target, {}, outputs=request.call.outputs))
            self._known[key] = _Known(without, tensors, size)


def _again(known: _Known, target: str, data: memoryview) -> InferRequest:
    inputs: dict[str, str | NDArray[Any]] = {}
    at = 0
    for name, datatype, shape, size in known.tensors:
        inputs[name] = from_raw(name, datatype, shape, data[at : at + size])
        at += size
    model, number, call, binary, default = known.request
    return InferRequest(model, number, Call(target, inputs, outputs=call.outputs), binary, default)
