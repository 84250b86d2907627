"""Protobuf messages from a table of fields, in a pool of their own.

Paddle and Paddle Serving bring generated modules for these messages, but the ones of Paddle need paddle itself and
change names between versions (lod_tensor, dense_tensor), and the ones of Paddle Serving are for an old protobuf.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Field = tuple[str, int, str]
"""Name, number, and type: a scalar such as `int32`, or the name of another message; a leading `*` means repeated."""

_Proto = descriptor_pb2.FieldDescriptorProto


def message_classes(package: str, messages: Mapping[str, Sequence[Field]]) -> dict[str, Any]:
    """The message classes (proto2) by name."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto2")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field_name, number, kind in fields:
            scalar = kind.removeprefix("*")
            label = _Proto.LABEL_REPEATED if kind.startswith("*") else _Proto.LABEL_OPTIONAL
            field = message.field.add(name=field_name, number=number, label=label)
            if scalar in messages:
                field.type, field.type_name = _Proto.TYPE_MESSAGE, f".{package}.{scalar}"
            else:
                field.type = _Proto.Type.Value(f"TYPE_{scalar.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages}
