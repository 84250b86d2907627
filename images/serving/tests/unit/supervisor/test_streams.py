"""The server of streams without a front, and with one that is made of a function."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc
from typing_extensions import override

from paddle_serving_runtime.supervisor.streams import Streams

Answer = Callable[[Any], Awaitable[Any]]
SECONDS = 60


class Front(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]
    """Answers by a function; `under_way` and `most` count its requests."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.under_way = 0
        self.most = 0

    @override
    async def ModelInfer(self, request: Any, context: Any) -> Any:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await context.send_initial_metadata((("x-request-id", "1"),))
            return await self._answer(request)
        finally:
            self.under_way -= 1


@asynccontextmanager
async def streaming(
    folder: Path, answer: Answer | None, under_way: int = 100
) -> AsyncIterator[tuple[Streams, Front, Any]]:
    """The server of streams, its front, and a stub of a client; without `answer` nobody listens at the front."""
    front = Front(answer or echo)
    server = grpc.aio.server()
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(front, server)
    if answer is not None:
        server.add_insecure_port(f"unix:{folder / 'front.sock'}")
    await server.start()
    streams = Streams(folder / "front.sock", under_way)
    await streams.start(folder / "streams.sock", 1_000_000)
    async with grpc.aio.insecure_channel(f"unix:{folder / 'streams.sock'}") as channel, asyncio.timeout(SECONDS):
        yield streams, front, service_pb2_grpc.GRPCInferenceServiceStub(channel)
    await streams.close()
    await server.stop(None)


async def echo(request: Any) -> Any:  # noqa: ANN401 - protobuf messages
    return service_pb2.ModelInferResponse(id=request.id)


def ask(number: int) -> Any:  # noqa: ANN401 - a protobuf message
    return service_pb2.ModelInferRequest(id=str(number))


def test_answers_keep_the_order_of_their_messages_whichever_is_ready_first(tmp_path: Path) -> None:
    second_is_ready = asyncio.Event()

    async def answer(request: Any) -> Any:  # noqa: ANN401 - protobuf messages
        if request.id == "0":
            await second_is_ready.wait()
        second_is_ready.set()
        return await echo(request)

    async def run() -> list[str]:
        async with streaming(tmp_path, answer) as (_, _, stub):
            stream = stub.ModelStreamInfer(iter([ask(0), ask(1), ask(2)]))
            return [told.infer_response.id async for told in stream]

    assert asyncio.run(run()) == ["0", "1", "2"]


def test_a_stream_has_few_messages_under_way_and_all_streams_together_have_a_limit(tmp_path: Path) -> None:
    async def run(streams: int, under_way: int, expected: int) -> int:
        all_there = asyncio.Event()

        async def answer(request: Any) -> Any:  # noqa: ANN401 - protobuf messages
            if front.under_way == expected:
                all_there.set()
            await all_there.wait()
            # for one more to come, where the limit did not hold
            await asyncio.sleep(0.01)
            return await echo(request)

        async def one(stub: Any) -> None:  # noqa: ANN401 - a stub
            told = [told.infer_response.id async for told in stub.ModelStreamInfer(map(ask, range(30)))]
            assert told == list(map(str, range(30)))

        async with streaming(tmp_path, answer, under_way) as (_, front, stub):
            await asyncio.gather(*(one(stub) for _ in range(streams)))
            return front.most

    assert asyncio.run(run(1, 100, 8)) == 8
    assert asyncio.run(run(4, 5, 5)) == 5


def test_without_a_front_every_message_gets_a_sentence_that_names_no_socket(tmp_path: Path) -> None:
    async def run() -> list[str]:
        async with streaming(tmp_path, None) as (_, _, stub):
            return [told.error_message async for told in stub.ModelStreamInfer(map(ask, range(2)))]

    assert asyncio.run(run()) == ["the connection to the front was lost; retry"] * 2


def test_a_client_that_leaves_takes_its_requests_with_it(tmp_path: Path) -> None:
    async def never(_request: Any) -> Any:  # noqa: ANN401 - protobuf messages
        await asyncio.Event().wait()

    async def run() -> None:
        async with streaming(tmp_path, never, under_way=1) as (streams, front, stub):
            stream = stub.ModelStreamInfer()
            await stream.write(ask(0))
            await until(lambda: front.under_way == 1)
            stream.cancel()
            await until(lambda: front.under_way == 0)
            await streams.finish()

    asyncio.run(run())


def test_a_draining_pod_answers_what_it_has_and_refuses_what_comes(tmp_path: Path) -> None:
    released = asyncio.Event()

    async def answer(request: Any) -> Any:  # noqa: ANN401 - protobuf messages
        await released.wait()
        return await echo(request)

    async def run() -> None:
        async with streaming(tmp_path, answer) as (streams, front, stub):
            stream, idle = stub.ModelStreamInfer(), stub.ModelStreamInfer()
            await idle.write(ask(9))
            await stream.write(ask(0))
            await until(lambda: front.under_way == 2)
            finishing = asyncio.create_task(streams.finish())
            await asyncio.sleep(0)
            await stream.write(ask(1))
            released.set()
            assert (await stream.read()).infer_response.id == "0"
            refused = await stream.read()
            assert (refused.error_message, refused.infer_response.id) == (
                "the pod is draining; start a new stream",
                "1",
            )
            await stream.done_writing()
            assert await stream.read() is grpc.aio.EOF
            assert (await idle.read()).infer_response.id == "9"
            # one that is not ended by its client is ended
            with pytest.raises(grpc.aio.AioRpcError):
                await idle.read()
            await finishing

    asyncio.run(run())


def test_a_message_past_the_limit_ends_its_stream(tmp_path: Path) -> None:
    async def run() -> grpc.StatusCode:
        async with streaming(tmp_path, echo) as (_, _, stub):
            large = service_pb2.ModelInferRequest(raw_input_contents=[bytes(1_000_001)])
            return grpc.StatusCode(await stub.ModelStreamInfer(iter([large])).code())

    assert asyncio.run(run()) is grpc.StatusCode.RESOURCE_EXHAUSTED


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - of a server that tells nobody
        await asyncio.sleep(0.01)
