"""A request that was answered well, with its answer: as pieces between two processes, and as a line of JSON. Pure."""

import base64
import binascii
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import orjson

from paddle_serving_runtime.protocol.codes import BadRequest

KEPT_HEADERS = frozenset({"content-type", "content-encoding", "grpc-encoding", "inference-header-content-length"})
"""What says how a body is to be read. No other header is kept: there may be credentials in them."""

ASKING_POD = "x-drift-from"
"""The header by which a pod that compares its answers with another's is known: what it asks is no client's request."""

_HEAD = struct.Struct("<II")
_FIELDS = frozenset({"path", "headers", "body", "answerHeaders", "answer"})


@dataclass(frozen=True)
class Exchange:
    """One request, `path` decoded, and its answer; both bodies as a worker got and sent them."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    answer_headers: Mapping[str, str]
    answer: bytes

    def pack(self) -> tuple[bytes, ...]:
        """Its pieces, in order."""
        head = orjson.dumps({"path": self.path, "headers": self.headers, "answerHeaders": self.answer_headers})
        return _HEAD.pack(len(head), len(self.body)), head, self.body, self.answer

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """From the pieces together; they come from a process of ours."""
        head_length, body_length = _HEAD.unpack_from(packed)
        body = _HEAD.size + head_length
        head = orjson.loads(packed[_HEAD.size : body])
        answer = body + body_length
        return cls(head["path"], head["headers"], packed[body:answer], head["answerHeaders"], packed[answer:])

    def to_line(self) -> bytes:
        """As JSON with the line's end, bodies in base64."""
        fields = {
            "path": self.path,
            "headers": self.headers,
            "body": base64.b64encode(self.body).decode(),
            "answerHeaders": self.answer_headers,
            "answer": base64.b64encode(self.answer).decode(),
        }
        return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """From another pod's line. Raises BadRequest where it is none."""
        try:
            fields = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"a line is not JSON: {error.msg}") from None
        if not isinstance(fields, dict) or fields.keys() != _FIELDS or not _is_path(fields["path"]):
            raise BadRequest(f"a line is not an object with {', '.join(sorted(_FIELDS))}")
        headers, answer_headers = _headers(fields["headers"]), _headers(fields["answerHeaders"])
        return cls(fields["path"], headers, _content(fields["body"]), answer_headers, _content(fields["answer"]))


def kept_headers(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    """Those headers that are kept; names in lower case."""
    texts = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}
    return {name: value for name, value in texts.items() if name in KEPT_HEADERS}


def _is_path(path: object) -> bool:
    return isinstance(path, str) and path.startswith("/")


def _headers(content: Any) -> dict[str, str]:  # noqa: ANN401 - JSON
    """Nothing of them may end a line of the request that they become a part of."""
    if not isinstance(content, dict) or content.keys() - KEPT_HEADERS:
        raise BadRequest("a line has headers that are never kept")
    if not all(isinstance(value, str) and value.isascii() and value.isprintable() for value in content.values()):
        raise BadRequest("a line has a header that is no text of one line")
    return content


def _content(content: object) -> bytes:
    try:
        return base64.b64decode(content, validate=True)  # type: ignore[arg-type]
    except (binascii.Error, TypeError, ValueError):
        raise BadRequest("a line has a body that is not base64") from None
