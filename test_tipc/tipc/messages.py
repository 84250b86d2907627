"""Messages of Paddle Serving's pipeline service as gRPC carries them, in the JSON form that HTTP carries. Pure."""

import json
import re
from typing import Any

from google.protobuf import json_format, text_format
from google.protobuf.message import DecodeError

from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES

UNREADABLE = "the message is no {} of Paddle Serving's pipeline_service.proto"
FIELD = re.compile(
    r'^ *(err_no: |err_msg: "|key: "|value: "|tensors \{|[a-z_0-9]+_data: |elem_type: |shape: |lod: |name: "|\})'
)


def request_json(message: bytes) -> bytes:
    """The request as the body of a POST. Raises ValueError where it is none."""
    return json.dumps(_fields("Request", message, everything=False)).encode()


def response_json(message: bytes) -> bytes:
    """The response as the body that the same answer has over HTTP. Raises ValueError where it is none."""
    return json.dumps(_fields("Response", message, everything=True)).encode()


def _fields(name: str, message: bytes, *, everything: bool) -> dict[str, Any]:
    try:
        parsed = MESSAGES[name].FromString(message)
    except DecodeError:
        raise ValueError(UNREADABLE.format(name)) from None
    return _as_json(parsed, everything=everything)


def _as_json(message: Any, *, everything: bool) -> dict[str, Any]:  # noqa: ANN401 - generated protobuf message
    fields: dict[str, Any] = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=everything
    )
    return fields


def printed_responses(log: str) -> list[bytes]:
    """The responses that a client printed as protobuf prints them, as JSON, in order: `print(client.predict(...))`."""
    blocks: list[list[str]] = [[]]
    for line in log.splitlines():
        if FIELD.match(line):
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return [found for block in blocks if (found := _response("\n".join(block)))]


def _response(text: str) -> bytes:
    message = MESSAGES["Response"]()
    try:
        text_format.Parse(text, message)
    except text_format.ParseError:
        return b""
    if not (message.key or message.tensors or message.err_no):
        return b""
    return json.dumps(_as_json(message, everything=True)).encode()
