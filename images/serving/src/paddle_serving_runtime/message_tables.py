"""Protobuf messages and services from tables, in a descriptor pool of their own.

The packages that bring generated modules for these messages are not there in every process (Paddle, Triton's client),
change names between versions (Paddle: lod_tensor, dense_tensor) or are for an old protobuf (Paddle Serving), and in the
default pool they would be in each other's way.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Field = tuple[str, int, str]
"""Name, number and type: a scalar such as `int32`, or a message of the same file by its full name without package.

`*` before the type means repeated, `map ` a map from string to it, `enum ` an enum of the same file, `name: ` a member
of the oneof `name`.
"""

Messages = Mapping[str, Sequence[Field]]
"""By name; `Outer.Inner` is a message inside of `Outer`, which stands before it."""

Methods = Mapping[str, tuple[str, str]]
"""Request and response message by the method's name; `stream ` before it where there are many of them."""

Enums = Mapping[str, Sequence[str]]
"""The names of an enum's values, which are 0, 1, 2, ..."""

_STREAM, _ENUM = "stream ", "enum "

_Proto = descriptor_pb2.FieldDescriptorProto


def proto2_classes(package: str, messages: Messages) -> dict[str, Any]:
    """The message classes of a proto2 file without services, by name."""
    return message_classes(_file(f"{package}.proto", package, "proto2", messages))


def proto3_file(
    name: str, package: str, messages: Messages, services: Mapping[str, Methods], enums: Enums | None = None
) -> descriptor_pb2.FileDescriptorProto:
    """The proto3 file with these messages, services and enums."""
    file = _file(name, package, "proto3", messages)
    for enum_name, values in (enums or {}).items():
        enum = file.enum_type.add(name=enum_name)
        for number, value in enumerate(values):
            enum.value.add(name=value, number=number)
    for service_name, methods in services.items():
        service = file.service.add(name=service_name)
        for method_name, (request, response) in methods.items():
            method = service.method.add(name=method_name)
            method.input_type = f".{package}.{request.removeprefix(_STREAM)}"
            method.output_type = f".{package}.{response.removeprefix(_STREAM)}"
            if request.startswith(_STREAM):
                method.client_streaming = True
            if response.startswith(_STREAM):
                method.server_streaming = True
    return file


def _file(name: str, package: str, syntax: str, messages: Messages) -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name=name, package=package, syntax=syntax)
    found: dict[str, descriptor_pb2.DescriptorProto] = {}
    for full_name, fields in messages.items():
        outer, _, own_name = full_name.rpartition(".")
        message = found[outer].nested_type.add() if outer else file.message_type.add()
        message.name = own_name
        found[full_name] = message
        for field in fields:
            _add_field(message, field, f".{package}.", full_name)
    return file


def message_classes(file: descriptor_pb2.FileDescriptorProto) -> dict[str, Any]:
    """The top-level message classes of a file by name."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    descriptor = pool.FindFileByName(file.name)
    return {
        name: message_factory.GetMessageClass(message) for name, message in descriptor.message_types_by_name.items()
    }


def _add_field(message: descriptor_pb2.DescriptorProto, field: Field, root: str, full_name: str) -> None:
    name, number, kind = field
    if kind.startswith("map "):
        entry = "".join(part.capitalize() for part in name.split("_")) + "Entry"
        inner = message.nested_type.add(name=entry)
        inner.options.map_entry = True
        _add_field(inner, ("key", 1, "string"), root, "")
        _add_field(inner, ("value", 2, kind.removeprefix("map ")), root, "")
        kind = f"*{full_name}.{entry}"
    oneof, separator, kind = kind.rpartition(": ")
    label = _Proto.LABEL_REPEATED if kind.startswith("*") else _Proto.LABEL_OPTIONAL
    added = message.field.add(name=name, number=number, label=label)
    if separator:
        if not message.oneof_decl:
            message.oneof_decl.add(name=oneof)
        added.oneof_index = 0
    scalar = kind.removeprefix("*")
    if scalar.startswith(_ENUM):
        added.type, added.type_name = _Proto.TYPE_ENUM, root + scalar.removeprefix(_ENUM)
    elif scalar[0].isupper():
        added.type, added.type_name = _Proto.TYPE_MESSAGE, root + scalar
    else:
        added.type = _Proto.Type.Value(f"TYPE_{scalar.upper()}")
