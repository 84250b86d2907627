"""Compressed messages, with a limit on what they become."""

import zlib
from http import HTTPStatus

from paddle_serving_runtime.protocol.codes import BadRequest
from paddle_serving_runtime.words import counted

_ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS
_IDENTITY = "identity"
ENCODINGS = ("gzip", "deflate")


def decompress(data: bytes | bytearray | memoryview, encoding: str, limit: int) -> bytes:
    """The content of `data`, which is compressed as HTTP and gRPC both name it: gzip, or deflate for zlib's format.

    Raises BadRequest: 415 for another encoding, 413 where the content is longer than `limit`, else 400.
    """
    if encoding not in ENCODINGS:
        raise BadRequest(
            f"the encoding {encoding[:20]} is not supported; use {' or '.join(ENCODINGS)}, or none",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )
    decompressor = zlib.decompressobj(_ZLIB_OR_GZIP)
    try:
        content = decompressor.decompress(data, limit + 1)
    except zlib.error:
        raise BadRequest(f"the message is not {encoding}") from None
    if len(content) > limit:
        raise BadRequest(
            f"the message is longer than {counted(limit, 'byte')} when it is decompressed",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        )
    if not decompressor.eof or decompressor.unused_data:
        raise BadRequest(f"the {encoding} message is incomplete, or followed by something else")
    return content


def http_content(body: bytes | bytearray, content_encoding: bytes, limit: int) -> bytes | bytearray:
    """What the body of an HTTP request stands for; `content_encoding` is that header, empty where there is none.

    Raises BadRequest as `decompress` does. Source: RFC 9110, 8.4.1 (content codings are case-insensitive).
    """
    encoding = content_encoding.decode("latin-1").strip().lower()
    return decompress(body, encoding, limit) if encoding not in ("", _IDENTITY) else body
