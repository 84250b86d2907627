"""ModelStreamInfer: every message of a stream is a request of its own, which goes through the front like any other.

So a stream that says nothing has no worker and no place in the queue, time-out and limits are those of one message,
and a lost worker costs one of them. The workers know nothing of streams.
"""

import asyncio
from pathlib import Path
from typing import Any

import grpc

from paddle_serving_runtime.protocol.open_inference import messages as open_inference_messages
from paddle_serving_runtime.protocol.open_inference.stream import answer, failure
from paddle_serving_runtime.protocol.paths import MODEL_INFER

STREAMS_SOCKET = "streams.sock"

_MAX_STREAMS = 128
"""Open at once; one that says nothing costs two connections of the front."""

_AHEAD = 8
"""Messages of one stream that are under way at once; the next ones wait with the client."""

_PARTING_SECONDS = 1.0
"""How long a client has to end its stream after everything under way is answered, when the pod drains."""

_DRAINING = "the pod is draining; start a new stream"
_NO_FRONT = "the connection to the front was lost; retry"
_BY_FRONT = "x-request-id"
_UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
# what one stream leaves unread must not hold up another on the same connection
_CHANNEL = (*_UNLIMITED, ("grpc.use_local_subchannel_pool", 1))

Context = Any
"""grpc.aio.ServicerContext, which comes without types."""


class Streams:
    """The server behind the front's streams; `front` is the socket of its gRPC port.

    At most `under_way` messages of all streams are with the front at a time, so that streams alone never fill its
    queue.
    """

    def __init__(self, front: Path, under_way: int) -> None:
        self._front = front
        self._room = asyncio.Semaphore(under_way)
        self._open: set[_Stream] = set()
        self._draining = asyncio.Event()
        self._server: grpc.aio.Server | None = None

    async def start(self, socket: Path, max_message: int) -> None:
        """Listens on `socket`. A message past the limit ends its stream with RESOURCE_EXHAUSTED."""
        options = (("grpc.max_receive_message_length", max_message), ("grpc.max_send_message_length", -1))
        self._server = grpc.aio.server(options=options, maximum_concurrent_rpcs=_MAX_STREAMS)
        methods = {"ModelStreamInfer": grpc.stream_stream_rpc_method_handler(self._serve)}
        service = grpc.method_handlers_generic_handler(open_inference_messages.SERVICE_NAME, methods)
        self._server.add_generic_rpc_handlers((service,))
        self._server.add_insecure_port(f"unix:{socket}")
        await self._server.start()

    async def finish(self) -> None:
        """Answers what is under way and refuses what comes later, then ends every stream."""
        self._draining.set()
        await asyncio.gather(*(stream.answered() for stream in self._open))
        if self._server is not None:
            await self._server.stop(_PARTING_SECONDS)

    async def close(self) -> None:
        """Ends every stream at once. May be called again."""
        if self._server is not None:
            await self._server.stop(None)

    async def _serve(self, _requests: object, context: Context) -> None:
        async with grpc.aio.insecure_channel(f"unix:{self._front}", options=_CHANNEL) as channel:
            stream = _Stream(context, channel, self._room, self._draining)
            self._open.add(stream)
            try:
                await stream.run()
            finally:
                self._open.discard(stream)


class _Stream:
    """One stream: answers in the order of its messages."""

    def __init__(
        self, context: Context, channel: grpc.aio.Channel, room: asyncio.Semaphore, draining: asyncio.Event
    ) -> None:
        self._context = context
        self._ask = channel.unary_unary(MODEL_INFER)
        self._room = room
        self._draining = draining
        self._ahead = asyncio.Semaphore(_AHEAD)
        self._answers: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue()
        self._unanswered = 0
        self._answered = asyncio.Event()

    async def run(self) -> None:
        """Until the client has ended the stream and everything is answered, or has left."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(tasks))
                while (task := await self._answers.get()) is not None:
                    await self._context.write(await task)
                    self._ahead.release()
                    self._count(-1)
        finally:
            self._answered.set()

    async def answered(self) -> None:
        """Returns when everything that the front was asked is answered, or the client has left."""
        self._count(0)
        await self._answered.wait()

    async def _read(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            await self._ahead.acquire()
            message = await self._context.read()
            if message is grpc.aio.EOF:
                self._answers.put_nowait(None)
                return
            self._count(1)
            self._answers.put_nowait(tasks.create_task(self._answer(message)))

    def _count(self, more: int) -> None:
        self._unanswered += more
        if self._unanswered:
            self._answered.clear()
        else:
            self._answered.set()

    async def _answer(self, message: bytes) -> bytes:
        if self._draining.is_set():
            return failure(message, _DRAINING)
        async with self._room:
            try:
                return answer(await self._ask(message))
            except grpc.aio.AioRpcError as error:
                return failure(message, _sentence(error))


def _sentence(error: grpc.aio.AioRpcError) -> str:
    """What the front says; not what gRPC says of a connection, which names a socket."""
    metadata = (*(error.initial_metadata() or ()), *(error.trailing_metadata() or ()))
    by_front = any(key == _BY_FRONT for key, _ in metadata)
    return (by_front and error.details()) or _NO_FRONT
