"""The form of Paddle 1 and 2: a ProgramDesc of paddle/fluid/framework/framework.proto."""

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.message import DecodeError

from paddle_serving_runtime.message_tables import proto2_classes
from paddle_serving_runtime.paddle_model.program.description import VOCABULARY, Operation, Parameter, Port, Program

# The part of framework.proto that is read here; the numbers are the same in Paddle 1 to 3.
MESSAGES = proto2_classes(
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
        "Attribute": [
            *(("name", 1, "string"), ("i", 3, "int32"), ("f", 4, "float"), ("s", 5, "bytes")),
            *(("ints", 6, "*int32"), ("b", 10, "bool")),
        ],
    },
)
# VarType.Type
DTYPES = {
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
    32: "float8_e4m3fn",
    33: "float8_e5m2",
}
_STRINGS, _VOCAB = 26, 27
_NO_SCALING = {"scale": 1.0, "bias": 0.0}


def parse(content: bytes) -> Program:
    """The program. Raises LookupError, TypeError, ValueError or the like where it is none."""
    try:
        blocks: Any = MESSAGES["ProgramDesc"].FromString(content).blocks
    except DecodeError as error:
        raise ValueError("not a complete ProgramDesc") from error
    block = blocks[0]
    variables = {variable.name: variable for variable in block.vars}
    feeds = tuple(port for _, port in sorted(_ports(block, "feed", variables), key=lambda item: item[0]))
    fetches = tuple(port for _, port in sorted(_ports(block, "fetch", variables), key=lambda item: item[0]))
    parameters = tuple(_parameters(block))
    operations = tuple(_operation(op) for each in blocks for op in each.ops if op.type not in ("feed", "fetch"))
    known = {port.name for port in feeds} | {parameter.name for parameter in parameters}
    sources = {port.name: _source(port.name, operations) for port in fetches}
    direct = {name: source for name, source in sources.items() if source in known}
    ranks = {var.name: len(var.type.dense_tensor.tensor.dims) for each in blocks for var in each.vars}
    return Program(feeds, fetches, parameters, operations, direct, ranks, dict(_dtypes(blocks)))


def _ports(block: Any, kind: str, variables: Mapping[str, Any]) -> Iterator[tuple[int, Port]]:  # noqa: ANN401 - generated
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
        dtype = DTYPES[tensor.tensor.data_type]
        yield column, Port(name, dtype, tuple(tensor.tensor.dims), tensor.lod_level)


def _parameters(block: Any) -> Iterator[Parameter]:  # noqa: ANN401 - generated
    for variable in block.vars:
        if not variable.persistable:
            continue
        if variable.type.type == _VOCAB:
            yield Parameter(variable.name, VOCABULARY, ())
        elif variable.type.HasField("dense_tensor"):
            tensor = variable.type.dense_tensor.tensor
            yield Parameter(variable.name, DTYPES[tensor.data_type], tuple(tensor.dims))


def _dtypes(blocks: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - generated
    for variable in (variable for block in blocks for variable in block.vars):
        if variable.type.HasField("dense_tensor"):
            code = variable.type.dense_tensor.tensor.data_type
            if code in DTYPES:
                yield variable.name, DTYPES[code]


def _operation(operation: Any) -> Operation:  # noqa: ANN401 - generated
    attributes = {attribute.name: _value(attribute) for attribute in operation.attrs}
    inputs = tuple(name for link in operation.inputs for name in link.arguments)
    outputs = tuple(name for link in operation.outputs for name in link.arguments)
    return Operation(operation.type, inputs, outputs, attributes)


def _value(attribute: Any) -> object:  # noqa: ANN401 - generated
    """A number, a text, a truth or whole numbers; 0 for what is not read here."""
    if attribute.HasField("s"):
        return attribute.s.decode("utf-8", "replace")
    if attribute.ints:
        return [*attribute.ints]
    field = next((field for field in ("f", "b") if attribute.HasField(field)), "i")
    return getattr(attribute, field)


def _source(name: str, operations: tuple[Operation, ...]) -> str:
    """The value that is this one: Paddle 2 puts a scale by 1 before every output that it saves."""
    for operation in reversed(operations):
        if name in operation.outputs and len(operation.inputs) == 1 and name not in operation.inputs:
            numbers = operation.attributes
            if operation.kind == "assign" or (operation.kind == "scale" and numbers.items() >= _NO_SCALING.items()):
                return _source(operation.inputs[0], operations)
    return name
