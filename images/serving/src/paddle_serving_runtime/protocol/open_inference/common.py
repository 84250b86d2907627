"""What the REST and the gRPC form of the Open Inference Protocol have in common. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.protocol.call import SERVICE, Call
from paddle_serving_runtime.protocol.codes import BadRequest, ErrorCode
from paddle_serving_runtime.protocol.open_inference.datatypes import (
    BYTES,
    datatype_of,
    refusal,
    text_count,
    texts_to_raw,
)
from paddle_serving_runtime.protocol.response import Response
from paddle_serving_runtime.words import counted

VERSION = "1"
"""There is one version of a service and its models; replacing it is not the protocol's business."""

EXTENSIONS = ("binary_tensor_data", "model_configuration", "statistics")
"""Of Triton's, those that are here."""

_SEQUENCE = ("sequence_id", "sequence_start", "sequence_end")
_MAX_CHARACTERS = 2**24
_SHARED_MEMORY = "shared_memory_region"
_CLASSIFICATION = "classification"

Output = str | NDArray[Any]
"""A tensor, or a value of the service: one text."""

Resolve = Callable[[str, str], str]
"""The target of a call for a model's name and version; raises BadRequest (404) where there is none."""


class InferRequest(NamedTuple):
    """One inference request.

    `binary` says which outputs to send as bytes, `binary_default` whether those that it does not name are.
    """

    model: str
    id: str
    call: Call
    binary: Mapping[str, bool]
    binary_default: bool

    def wants_bytes(self, output: str) -> bool:
        """Whether an output is sent as bytes."""
        return self.binary.get(output, self.binary_default)


def resolver(names: Iterable[str], models: Iterable[str]) -> Resolve:
    """Resolves the names of the service to SERVICE, and those of its models to themselves; the service's win."""
    targets = {name: name for name in models} | dict.fromkeys(names, SERVICE)

    def resolve(name: str, version: str) -> str:
        if name not in targets:
            served = ", ".join(sorted(targets))
            raise BadRequest(f"there is no model {name[:80]!r}; served here: {served}", ErrorCode.NO_SERVICE)
        if version not in ("", VERSION):
            raise BadRequest(f"model {name} has version {VERSION}, not {version[:20]!r}", ErrorCode.NO_SERVICE)
        return targets[name]

    return resolve


def text_input(target: str, name: str, shape: tuple[int, ...], elements: Sequence[bytes]) -> str | NDArray[Any]:
    """A BYTES tensor as an input: text for the service as a whole, an array of text for a model.

    Raises BadRequest where the bytes are not UTF-8, or are more than one text for a key of the service.
    """
    count = text_count(name, shape)
    if len(elements) != count:
        raise refusal(
            f"input {name}: shape {list(shape)} has {counted(count, 'element')}, but {len(elements)} were sent"
        )
    try:
        texts = [element.decode() for element in elements]
    except UnicodeDecodeError:
        raise refusal(f"input {name}: BYTES must be UTF-8; send bytes of any other kind as base64 text") from None
    if target == SERVICE:
        if len(texts) != 1:
            raise refusal(f"input {name}: the service takes one text for a key, not {len(texts)}")
        return texts[0]
    if any(text.endswith("\0") for text in texts):
        raise refusal(f"input {name}: a text ends with the character NUL")
    # numpy gives every element the room of the longest
    if count * max(map(len, texts), default=0) > _MAX_CHARACTERS:
        raise refusal(f"input {name}: {count} texts of which one is so long are too much")
    return np.array(texts, dtype=np.str_).reshape(shape)


def outputs_of(response: Response, wanted: Sequence[str]) -> dict[str, Output]:
    """The outputs by name in the order wanted, all where none is. Raises BadRequest for an output that there is not."""
    every: dict[str, Output] = {**response.values, **response.tensors}
    if not wanted:
        return every
    if missing := [name for name in wanted if name not in every]:
        raise refusal(f"there is no output {missing[0][:80]!r}; the outputs are {', '.join(sorted(every))}")
    return {name: every[name] for name in wanted}


def response_of(outputs: Mapping[str, Output]) -> Response:
    """The response with these outputs, as a client reads it: one text is a value of a service."""
    values: dict[str, str] = {}
    tensors: dict[str, NDArray[Any]] = {}
    for name, output in outputs.items():
        if isinstance(output, str):
            values[name] = output
        elif output.dtype.kind == "U" and output.shape == (1,):
            values[name] = str(output[0])
        else:
            tensors[name] = output
    return Response(ErrorCode.OK, "", values, tensors)


def describe_output(name: str, output: Output) -> tuple[str, list[int]]:
    """Data type and shape; raises ValueError for a type that the protocol does not have."""
    if isinstance(output, str):
        return BYTES, [1]
    return datatype_of(name, output.dtype), list(output.shape)


def texts_of(output: Output) -> list[str]:
    """The elements of an output of BYTES."""
    return [output] if isinstance(output, str) else output.reshape(-1).tolist()


def raw_of(output: Output) -> bytes:
    """The bytes of an output. Raises ValueError for text that is not Unicode."""
    if isinstance(output, str) or output.dtype.kind == "U":
        return texts_to_raw(text.encode() for text in texts_of(output))
    return output.tobytes()


def refuse_request_extensions(parameters: Iterable[str]) -> None:
    """Raises BadRequest for parameters of a request that would change the answer and are not supported."""
    for name in parameters:
        if name in _SEQUENCE:
            raise refusal(f"parameter {name}: sequences are not supported; every request stands alone")


def refuse_tensor_extensions(what: str, parameters: Iterable[str]) -> None:
    """Raises BadRequest for parameters of an input or output that are not supported; `what` names the tensor."""
    for name in parameters:
        if name.startswith(_SHARED_MEMORY):
            raise refusal(f"{what}: shared memory is not supported; send the data with the request")
        if name == _CLASSIFICATION:
            raise refusal(f"{what}: the classification extension is not supported; ask for the whole output")


def require_names(kind: str, names: Iterable[str]) -> None:
    """Raises BadRequest where an input or output, as `kind` says, has no name."""
    if "" in names:
        raise refusal(f"an {kind} has no name")


def require_unique(inputs: Sequence[str]) -> None:
    """Raises BadRequest where the name of an input comes twice: nobody knows which of them is meant."""
    if len(set(inputs)) != len(inputs):
        repeated = next(name for name in inputs if inputs.count(name) > 1)
        raise refusal(f"input {repeated[:80]!r} comes more than once")
