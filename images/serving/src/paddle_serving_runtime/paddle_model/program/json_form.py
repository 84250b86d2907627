"""Paddle 3's JSON form (paddle/fluid/pir/serialize_deserialize)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from paddle_serving_runtime.paddle_model.program.description import Operation, Parameter, Port, Program

_DTYPES = {
    "t_bool": "bool",
    "t_i16": "int16",
    "t_i32": "int32",
    "t_i64": "int64",
    "t_f16": "float16",
    "t_f32": "float32",
    "t_f64": "float64",
    "t_ui8": "uint8",
    "t_i8": "int8",
    "t_bf16": "bfloat16",
    "t_c64": "complex64",
    "t_c128": "complex128",
    "t_f8e4m3fn": "float8_e4m3fn",
    "t_f8e5m2": "float8_e5m2",
}
_PARAMETER, _INPUT, _OUTPUT = "p", "data", "fetch"


def parse(content: bytes) -> Program:
    """The program. Raises LookupError, TypeError, ValueError or the like where it is none."""
    (block,) = json.loads(content)["program"]["regions"][0]["blocks"][:1]
    feeds: list[Port] = []
    fetches: list[Port] = []
    parameters: list[Parameter] = []
    origins: dict[str, str] = {}
    direct: dict[str, str] = {}
    for operation in block["ops"]:
        kind = _kind(operation)
        if kind == _PARAMETER:
            parameter = _parameter(operation)
            origins[_value(operation["O"])] = parameter.name
            if _is_saved(operation):
                parameters.append(parameter)
        elif kind in (_INPUT, _OUTPUT):
            port = _port(operation)
            (feeds if kind == _INPUT else fetches).append(port)
            if kind == _INPUT:
                origins[_value(operation["O"][0])] = port.name
            else:
                direct.update((port.name, origins[value]) for value in _values(operation, "I") if value in origins)
    inner = list(_inner(block))
    ranks = {_value(output): len(_shape(output)) for operation in inner for output in _tensors(operation)}
    operations = tuple(_operation(operation) for operation in inner)
    return Program(tuple(feeds), tuple(fetches), tuple(parameters), operations, direct, ranks)


def _kind(operation: Mapping[str, Any]) -> str:
    name: str = operation["#"].rpartition(".")[2]
    return name


def _value(value: Mapping[str, Any]) -> str:
    return str(value["%"])


def _values(operation: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_value(value) for value in operation.get(key, ()))


def _port(operation: Mapping[str, Any]) -> Port:
    (output,) = operation["O"]
    return Port(str(_attributes(operation)["name"]), _dtype(output), _shape(output), 0)


def _parameter(operation: Mapping[str, Any]) -> Parameter:
    output = operation["O"]
    return Parameter(str(operation["A"][3]), _dtype(output), _shape(output))


def _is_saved(operation: Mapping[str, Any]) -> bool:
    """Whether the parameter is in the parameter file: the state of an LSTM's dropout is a parameter that is not."""
    return bool(operation["OA"][0]) if operation.get("OA") else True


def _dtype(value: Mapping[str, Any]) -> str:
    return _DTYPES[value["TT"]["D"][0]["#"].rpartition(".")[2]]


def _shape(value: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(int(size) for size in value["TT"]["D"][1])


def _inner(block: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every operation of the block and of the blocks inside of it that computes something."""
    for operation in block["ops"]:
        if _kind(operation) not in (_PARAMETER, _INPUT, _OUTPUT):
            yield operation
        for region in operation.get("regions", ()):
            for inner in region["blocks"]:
                yield from _inner(inner)


def _tensors(operation: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The outputs that are tensors, not lists of tensors."""
    for output in operation.get("O", ()):
        if str(output.get("TT", {}).get("#")).endswith("t_dtensor"):
            yield output


def _operation(operation: Mapping[str, Any]) -> Operation:
    return Operation(
        _kind(operation),
        _values(operation, "I"),
        _values(operation, "O"),
        _attributes(operation),
    )


def _attributes(operation: Mapping[str, Any]) -> dict[str, Any]:
    return {item["N"]: item["AT"].get("D") for item in operation.get("A", ())}
