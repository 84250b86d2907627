import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from paddle_serving_runtime.protocol import BadRequest, ErrorCode
from paddle_serving_runtime.worker.answering import Answering, Reply, refusal
from paddle_serving_runtime.worker.busy import BusyMark

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_SECONDS = 10.0
"""A client that takes longer to send the part of its body that the front does not buffer would hold the worker."""


class WorkerApp:
    """ASGI: `POST /{service}/{method}` answers a request, `GET /loaded` says what is loaded.

    A request is answered inside the event loop on purpose: one at a time, with no thread to hand it to and back.
    """

    def __init__(self, answering: Answering, mark: BusyMark, loaded: bytes, body_limit: int) -> None:
        self._answering = answering
        self._mark = mark
        self._loaded = loaded
        self._body_limit = body_limit

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handles one HTTP request."""
        if scope["type"] != "http":
            return
        reply = await self._reply(scope, receive)
        if reply is not None:
            await _respond(send, reply)

    async def _reply(self, scope: Message, receive: Receive) -> Reply | None:
        if scope["method"] == "GET" and scope["path"] == "/loaded":
            return Reply(HTTPStatus.OK, self._loaded)
        if scope["method"] != "POST":
            return refusal(BadRequest("only POST is answered", status=HTTPStatus.METHOD_NOT_ALLOWED))
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await self._body(receive)
        except TimeoutError:
            late = BadRequest("the body took too long to arrive", ErrorCode.TIMEOUT, HTTPStatus.REQUEST_TIMEOUT)
            return refusal(late)
        except BadRequest as error:
            return refusal(error)
        if body is None:
            return None
        with self._mark.busy():
            return await self._answering.answer(scope["path"], body, _request_id(scope))

    async def _body(self, receive: Receive) -> bytes | None:
        """The whole body; None where the client has gone."""
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self._body_limit:
                raise BadRequest(
                    f"the body is longer than {self._body_limit} bytes", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                )
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _respond(send: Send, reply: Reply) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(reply.body)).encode())]
    if reply.status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": int(reply.status), "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def _request_id(scope: Message) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return str(value.decode("latin-1"))
    return ""
