"""Inputs, outputs and parameters of a program file, read without loading the model."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.model.files import ModelFiles
from paddle_serving_runtime.model.messages import message_classes

_MAX_JSON = 256 << 20

# The part of paddle/fluid/framework/framework.proto that is read here; the numbers are the same in Paddle 1 to 3.
_MESSAGES = message_classes(
    "paddle_program",
    {
        "ProgramDesc": [("blocks", 1, "*BlockDesc")],
        "BlockDesc": [("vars", 3, "*VarDesc"), ("ops", 4, "*OpDesc")],
        "VarDesc": [("name", 1, "string"), ("type", 2, "VarType"), ("persistable", 3, "bool")],
        "VarType": [("type", 1, "int32"), ("dense_tensor", 3, "DenseTensorDesc")],
        "DenseTensorDesc": [("tensor", 1, "TensorDesc"), ("lod_level", 2, "int32")],
        "TensorDesc": [("data_type", 1, "int32"), ("dims", 2, "*int64")],
        "OpDesc": [("inputs", 1, "*Link"), ("outputs", 2, "*Link"), ("type", 3, "string"), ("attrs", 4, "*Attribute")],
        "Link": [("parameter", 1, "string"), ("arguments", 2, "*string")],
        "Attribute": [("name", 1, "string"), ("i", 3, "int32")],
    },
)
# VarType.Type of framework.proto
_PROTO_DTYPES = {
    0: "bool",
    1: "int16",
    2: "int32",
    3: "int64",
    4: "float16",
    5: "float32",
    6: "float64",
    20: "uint8",
    21: "int8",
    22: "bfloat16",
    23: "complex64",
    24: "complex128",
}
_STRINGS, _VOCAB = 26, 27
# type names of Paddle 3's JSON form (paddle/fluid/pir/serialize_deserialize)
_PIR_DTYPES = {
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
}


@dataclass(frozen=True)
class Port:
    """One input or output of a program: `shape` with the batch dimension, -1 where it is free; text has dtype str."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    lod_level: int


@dataclass(frozen=True)
class Program:
    """Inputs and outputs in the order in which Paddle Inference lists them, and the names of the parameters."""

    feeds: tuple[Port, ...]
    fetches: tuple[Port, ...]
    parameters: tuple[str, ...]


def read_program(files: ModelFiles) -> Program:
    """The program of a model. Raises ModelInvalid naming the file."""
    try:
        program = _read_pir(files) if files.is_pir else _read_proto(files)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ModelInvalid(
            f"{files.program} is not a program that this runtime can read ({type(error).__name__}: {error}). "
            "Export the model again with paddle.jit.save or paddle.static.save_inference_model."
        ) from error
    if not program.fetches:
        raise ModelInvalid(f"{files.program} has no outputs. Export it for inference, not for training.")
    return program


def _read_pir(files: ModelFiles) -> Program:
    if files.program.stat().st_size > _MAX_JSON:
        raise ValueError(f"larger than {_MAX_JSON >> 20} MiB")
    document = json.loads(files.program.read_bytes())
    operations = document["program"]["regions"][0]["blocks"][0]["ops"]
    feeds: list[Port] = []
    fetches: list[Port] = []
    parameters: list[str] = []
    for operation in operations:
        kind = operation["#"].rpartition(".")[2]
        if kind == "p":
            parameters.append(str(operation["A"][3]))
        elif kind in ("data", "fetch"):
            (feeds if kind == "data" else fetches).append(_pir_port(operation))
    return Program(tuple(feeds), tuple(fetches), tuple(parameters))


def _pir_port(operation: dict[str, Any]) -> Port:
    attributes = {item["N"]: item["AT"]["D"] for item in operation["A"]}
    dtype, shape = operation["O"][0]["TT"]["D"][:2]
    name = _PIR_DTYPES[dtype["#"].rpartition(".")[2]]
    return Port(str(attributes["name"]), name, tuple(int(size) for size in shape), 0)


def _read_proto(files: ModelFiles) -> Program:
    try:
        block = _MESSAGES["ProgramDesc"].FromString(files.program.read_bytes()).blocks[0]
    except DecodeError as error:
        raise ValueError("not a complete ProgramDesc") from error
    variables = {variable.name: variable for variable in block.vars}
    feeds = sorted(_ports(block, "feed", variables), key=lambda item: item[0])
    fetches = sorted(_ports(block, "fetch", variables), key=lambda item: item[0])
    parameters = [
        v.name for v in block.vars if v.persistable and (v.type.HasField("dense_tensor") or v.type.type == _VOCAB)
    ]
    return Program(tuple(port for _, port in feeds), tuple(port for _, port in fetches), tuple(parameters))


def _ports(block: Any, kind: str, variables: dict[str, Any]) -> Iterator[tuple[int, Port]]:  # noqa: ANN401 - generated
    for operation in block.ops:
        if operation.type != kind:
            continue
        links = operation.outputs if kind == "feed" else operation.inputs
        name = [link.arguments[0] for link in links if link.arguments][0]  # noqa: RUF015 - StopIteration ends a generator
        column = {attribute.name: attribute.i for attribute in operation.attrs}["col"]
        if variables[name].type.type == _STRINGS:
            yield column, Port(name, "str", (-1,), 0)
            continue
        tensor = variables[name].type.dense_tensor
        dtype = _PROTO_DTYPES[tensor.tensor.data_type]
        yield column, Port(name, dtype, tuple(tensor.tensor.dims), tensor.lod_level)
