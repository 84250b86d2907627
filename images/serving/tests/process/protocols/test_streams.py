"""ModelStreamInfer as Triton's clients use it, through a real front to real workers."""

import asyncio
import queue
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import requests
from tritonclient import grpc as triton_grpc
from tritonclient.grpc import aio as triton_aio
from tritonclient.utils import InferenceServerException

from images.serving.tests.process.protocols.test_service import text_input
from images.serving.tests.services import PRICE as ANSWER
from images.serving.tests.services import X as TEXT

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving, Start

SECONDS = 120
LOST = "the worker of this request was lost; retry"


class Stream:
    """A stream of `start_stream`."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - of a package without types
        self._client = client
        self._told: queue.Queue[tuple[Any, Any]] = queue.Queue()
        client.start_stream(lambda result, error: self._told.put((result, error)))

    def send(self, model: str, inputs: list[Any], request_id: str = "") -> None:
        self._client.async_stream_infer(model, inputs, request_id=request_id)

    def ask_service(self, **texts: str) -> None:
        self.send("svc", text_input(triton_grpc, **texts))

    def receive(self) -> tuple[Any, str]:
        """The next result, or the words of an error."""
        result, error = self._told.get(timeout=SECONDS)
        return result, "" if error is None else error.message()

    def value(self) -> str:
        result, words = self.receive()
        assert result is not None, words
        return str(result.as_numpy("price")[0].decode())

    def end(self) -> None:
        """The client's end; nothing more was said."""
        self._client.stop_stream()
        assert self._told.empty(), self._told.get()


@contextmanager
def stream(serving: "Serving") -> Iterator[Stream]:
    with triton_grpc.InferenceServerClient(serving.grpc) as client:
        yield Stream(client)


def answered(serving: "Serving") -> float:
    return serving.metrics().get('paddle_serving_requests_total{code="200",protocol="oip_grpc"}', 0)


def rows(*values: float) -> list[Any]:
    array = np.repeat(np.array(values, np.float32)[:, None], 13, axis=1)
    return [triton_grpc.InferInput("x", list(array.shape), "FP32").set_data_from_numpy(array)]


def test_every_message_has_one_answer_which_is_that_of_a_request_of_its_own(service: "Serving") -> None:
    values = [number / 50 for number in range(50)]
    with stream(service) as one, triton_grpc.InferenceServerClient(service.grpc) as client:
        for number, value in enumerate(values):
            one.send("price", rows(value), str(number))
        results = [one.receive()[0] for _ in values]
        one.end()
        for number in (0, 7, 49):
            alone = client.infer("price", rows(values[number])).as_numpy("price")
            assert results[number].as_numpy("price").tobytes() == alone.tobytes()
    responses = [result.get_response() for result in results]
    assert [response.id for response in responses] == [str(number) for number in range(50)]
    assert all(response.parameters["triton_final_response"].bool_param for response in responses)


def test_a_wrong_message_has_an_error_and_the_stream_goes_on(service: "Serving") -> None:
    wrong = triton_grpc.InferInput("x", [1, 12], "FP32").set_data_from_numpy(np.zeros((1, 12), np.float32))
    with stream(service) as one:
        one.send("other", rows(0))
        one.send("price", [wrong])
        one.ask_service(x=TEXT, fail="1")
        one.ask_service(x=TEXT)
        assert one.receive() == (None, "there is no model 'other'; served here: housing, price, svc")
        assert "shape [1, 12]" in one.receive()[1]
        words = one.receive()[1]
        assert words
        assert "/models" not in words
        assert one.value() == ANSWER
        one.end()


def test_streams_of_the_asynchronous_client_run_beside_each_other(service: "Serving") -> None:
    async def requests_of(number: int) -> AsyncIterator[dict[str, Any]]:
        for position in range(10):
            yield {"model_name": "price", "inputs": rows(position), "request_id": f"{number}-{position}"}

    async def one(client: Any, number: int) -> None:  # noqa: ANN401 - of a package without types
        ids = []
        async for result, error in client.stream_infer(requests_of(number)):
            assert error is None
            ids.append(result.get_response().id)
        assert ids == [f"{number}-{position}" for position in range(10)]

    async def run() -> None:
        async with triton_aio.InferenceServerClient(service.grpc) as client, asyncio.timeout(SECONDS):
            await asyncio.gather(*(one(client, number) for number in range(10)))

    asyncio.run(run())


def test_a_stream_that_its_client_cancels_holds_up_nobody(service: "Serving", tmp_path: Path) -> None:
    with triton_grpc.InferenceServerClient(service.grpc) as client:
        one = Stream(client)
        one.ask_service(x=TEXT, until=str(tmp_path / "go"))
        for _ in range(20):
            one.ask_service(x=TEXT)
        client.stop_stream(cancel_requests=True)
    (tmp_path / "go").touch()
    with stream(service) as other:
        other.ask_service(x=TEXT)
        assert other.value() == ANSWER
        other.end()


def test_time_outs_and_lost_workers_cost_one_message_and_a_drain_answers_what_is_under_way(
    serve: "Start", make_package: Callable[..., Path], tmp_path: Path
) -> None:
    flags = ("--workers", "1", "--request-timeout", "5", "--drain-delay", "1", "--drain-timeout", "600")
    serving = serve(make_package(), *flags).wait_ready()
    with stream(serving) as first:
        first.ask_service(x=TEXT)
        assert first.value() == ANSWER
        first.end()
    with stream(serving) as idle, stream(serving) as one:
        idle.ask_service(x=TEXT)
        assert idle.value() == ANSWER
        # messages are requests, a stream is none
        serving.wait_for(lambda: answered(serving) >= 2, "two requests", SECONDS)
        assert answered(serving) == 2
        one.ask_service(x=TEXT, exit="1")
        assert one.receive() == (None, LOST)
        serving.wait_for(lambda: serving.status("/readyz") == 200, "a new worker")
        one.ask_service(x=TEXT, sleep="20")
        assert one.receive() == (None, "the request took longer than the time-out")
        serving.wait_for(lambda: serving.status("/readyz") == 200, "a new worker")
        # idle for longer than the time-out by now, as the request beside it proves
        idle.ask_service(x=TEXT)
        assert idle.value() == ANSWER
        assert requests.get(f"{serving.http}/v2/health/ready", timeout=SECONDS).status_code == 200
        one.ask_service(x=TEXT, until=str(tmp_path / "go"))
        serving.process.send_signal(signal.SIGTERM)
        (tmp_path / "go").touch()
        assert one.value() == ANSWER
        one.end()
        assert serving.wait_exit() == 0


def test_every_other_method_is_unimplemented_through_the_front(service: "Serving") -> None:
    with triton_grpc.InferenceServerClient(service.grpc) as client:
        calls: list[Callable[[], object]] = [
            lambda: client.load_model("svc"),
            lambda: client.unload_model("svc"),
            client.get_system_shared_memory_status,
            client.get_cuda_shared_memory_status,
            client.get_trace_settings,
            client.get_log_settings,
        ]
        for call in calls:
            with pytest.raises(InferenceServerException, match="UNIMPLEMENTED"):
                call()
