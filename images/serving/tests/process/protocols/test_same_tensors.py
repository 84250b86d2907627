"""Every protocol gives what Paddle Inference computes, bit for bit."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from images.serving.tests.process.protocols import clients

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

Arrays = dict[str, np.ndarray]
Client = Callable[["Serving", Arrays], Arrays]
Paddle = Callable[[Arrays], list[np.ndarray]]

CLIENTS: list[Client] = [
    clients.pipeline_json,
    clients.pipeline_stub,
    clients.open_inference_rest,
    clients.open_inference_json,
    clients.plain_json,
    clients.open_inference_grpc,
]
every_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)


def inputs(rows: int, seed: int = 0) -> Arrays:
    random = np.random.default_rng(seed)
    b = random.standard_normal((rows, 2), np.float32)
    b[: rows // 4] *= np.float32(1e30)
    return {
        "a": random.integers(-(2**40), 2**40, (rows, 2), np.int64),
        "b": b,
        "c": random.integers(0, 2, (rows, 2)).astype(bool),
    }


def assert_same_bits(got: Arrays, want: list[np.ndarray]) -> None:
    assert len(got) == len(want)
    for array, expected in zip(got.values(), want, strict=True):
        assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
        assert array.tobytes() == expected.tobytes()


@every_client
@pytest.mark.parametrize("rows", [1, 7, 500])
def test_every_protocol_gives_the_tensors_of_paddle_inference(
    plain: "Serving", paddle_inference: Paddle, client: Client, rows: int
) -> None:
    assert_same_bits(client(plain, inputs(rows)), paddle_inference(inputs(rows)))


@pytest.mark.parametrize("rows", [1, 500])
def test_the_stock_pipeline_client_gets_the_same_tensors(
    plain: "Serving", paddle_inference: Paddle, tmp_path: Path, rows: int
) -> None:
    assert_same_bits(clients.stock_pipeline_client(plain, inputs(rows), tmp_path), paddle_inference(inputs(rows)))


@every_client
def test_nan_infinity_and_negative_zero_reach_the_model_and_come_back(
    plain: "Serving", paddle_inference: Paddle, client: Client
) -> None:
    special = inputs(5)
    special["b"][:] = [[np.nan, 0], [np.inf, 0], [-np.inf, 1], [-0.0, -0.0], [np.inf, -np.inf]]
    got, want = client(plain, special), paddle_inference(special)
    for array, expected in zip(got.values(), want, strict=True):
        np.testing.assert_array_equal(array, expected, strict=True)


@pytest.mark.parametrize("client", [clients.open_inference_rest, clients.open_inference_grpc, clients.pipeline_stub])
def test_large_tensors_come_and_go_whole(plain: "Serving", paddle_inference: Paddle, client: Client) -> None:
    large = inputs(400_000)
    assert_same_bits(client(plain, large), paddle_inference(large))


def test_a_model_has_the_same_tensors_under_its_own_name(plain: "Serving", paddle_inference: Paddle) -> None:
    want = paddle_inference(inputs(3))
    for client in (clients.open_inference_rest, clients.open_inference_json, clients.open_inference_grpc):
        assert_same_bits(client(plain, inputs(3), model="model"), want)


def test_requests_of_all_protocols_at_once_get_their_own_answers(plain: "Serving", paddle_inference: Paddle) -> None:
    rows = 300
    batch = inputs(rows, seed=1)
    want = paddle_inference(batch)

    def ask(row: int) -> Arrays:
        one = {name: array[row : row + 1] for name, array in batch.items()}
        return CLIENTS[row % len(CLIENTS)](plain, one)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(rows)))
    for row, answer in enumerate(answers):
        score, twice = answer.values()
        assert np.array_equal(twice, want[1][row : row + 1])
        assert np.allclose(score, want[0][row : row + 1], rtol=1e-5)
