"""One HTTP request over a unix socket, to a worker of ours."""

import asyncio
from pathlib import Path


async def post(socket: Path, path: str, body: bytes) -> tuple[int, bytes]:
    """Status and body of the answer. Raises OSError or EOFError where the worker goes away."""
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        head = f"POST {path} HTTP/1.1\r\nHost: worker\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        answer = await reader.read()
    finally:
        writer.close()
    head_bytes, separator, content = answer.partition(b"\r\n\r\n")
    if not separator:
        raise EOFError("the worker closed the connection without an answer")
    return int(head_bytes.split(b" ", 2)[1]), content
