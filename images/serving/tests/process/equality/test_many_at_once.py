"""10,000 different requests at once, in every protocol: each gets its own answer."""

import http.client
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import grpc
import numpy as np
import pytest
from tritonclient import grpc as triton_grpc
from tritonclient import http as triton_http

from images.serving.tests.process.equality.conftest import raw_inference
from images.serving.tests.process.equality.services import PASSING, config
from images.serving.tests.process.serve.conftest import Serving, start_serving
from images.serving.tests.services import ROW
from paddle_serving_runtime.protocol import pack_response, read_response
from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.grpc import pack_message
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES
from paddle_serving_runtime.protocol.response import Response

if TYPE_CHECKING:
    from numpy.typing import NDArray

REQUESTS = 10_000
CONNECTIONS = 32
WITH_OPS, PROVING = ("service", "batching"), ("proved", "service")
pytestmark = pytest.mark.timeout(400)
SECONDS = 100
Ask = Callable[["NDArray[Any]"], "NDArray[Any]"]


def over_http(serving: Serving) -> Callable[[str, bytes, dict[str, str]], http.client.HTTPResponse]:
    """Posts on one connection that stays open."""
    parts = urlsplit(serving.http)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=SECONDS)

    def post(path: str, body: bytes, headers: dict[str, str]) -> http.client.HTTPResponse:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        assert response.status == 200, response.read()
        return response

    return post


def price_of(response: Response) -> "NDArray[Any]":
    """The tensor, or what the Op of PASSING has made of it."""
    if response.tensors:
        return next(iter(response.tensors.values()))
    return np.frombuffer(bytes.fromhex(response.values["price"]), "float32").reshape(1, 1)


def pipeline_json(serving: Serving) -> Ask:
    post = over_http(serving)
    return lambda row: price_of(read_response(post("/svc/p", pack_response({}, {"x": row}), {}).read()))


def pipeline_grpc(serving: Serving) -> Ask:
    channel = grpc.insecure_channel(serving.grpc, options=[("grpc.use_local_subchannel_pool", 1)])
    ask = channel.unary_unary(PIPELINE_INFERENCE)

    def inference(row: "NDArray[Any]") -> "NDArray[Any]":
        tensors = MESSAGES["Response"].FromString(pack_message(Response(0, "", {}, {"x": row}))).tensors
        reply = ask(MESSAGES["Request"](tensors=tensors).SerializeToString(), timeout=SECONDS)
        message = MESSAGES["Response"].FromString(reply)
        tensors = {one.name: np.array(one.float_data, "float32").reshape(one.shape) for one in message.tensors}
        return price_of(Response(0, "", dict(zip(message.key, message.value, strict=True)), tensors))

    return inference


def open_inference_json(serving: Serving) -> Ask:
    post = over_http(serving)

    def infer(row: "NDArray[Any]") -> "NDArray[Any]":
        tensor = {"name": "x", "shape": row.shape, "datatype": "FP32", "data": row.ravel().tolist()}
        reply = post(f"/v2/models/{serving.name}/infer", json.dumps({"inputs": [tensor]}).encode(), {}).read()
        (output,) = json.loads(reply)["outputs"]
        return np.array(output["data"], "float32").reshape(output["shape"])

    return infer


def open_inference_binary(serving: Serving) -> Ask:
    post, client = over_http(serving), triton_http.InferenceServerClient

    def infer(row: "NDArray[Any]") -> "NDArray[Any]":
        tensor = triton_http.InferInput("x", list(row.shape), "FP32").set_data_from_numpy(row)
        body, length = client.generate_request_body([tensor])
        response = post(f"/v2/models/{serving.name}/infer", body, {"Inference-Header-Content-Length": str(length)})
        split = int(response.headers["Inference-Header-Content-Length"])
        result = client.parse_response_body(response.read(), header_length=split)
        price = result.as_numpy(result.get_response()["outputs"][0]["name"])
        assert isinstance(price, np.ndarray)
        return price

    return infer


def open_inference_grpc(serving: Serving) -> Ask:
    client = triton_grpc.InferenceServerClient(serving.grpc)

    def infer(row: "NDArray[Any]") -> "NDArray[Any]":
        tensor = triton_grpc.InferInput("x", list(row.shape), "FP32").set_data_from_numpy(row)
        result = client.infer(serving.name, [tensor], client_timeout=SECONDS)
        price = result.as_numpy(result.get_response().outputs[0].name)
        assert isinstance(price, np.ndarray)
        return price

    return infer


PROTOCOLS = (pipeline_json, pipeline_grpc, open_inference_json, open_inference_binary, open_inference_grpc)


@pytest.fixture(
    scope="module",
    params=[(1, "plain"), (2, "plain"), (2, "proved"), (2, "service"), (2, "batching")],
    ids=lambda way: "-".join(map(str, way)),
)
def plain(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, uci_model: Path
) -> Iterator[Serving]:
    """A plain model with one and with two workers, with proved runs, and behind Ops with those or with a batch_size."""
    workers, kind = request.param
    package = tmp_path_factory.mktemp("plain")
    if kind in WITH_OPS:
        shutil.copytree(uci_model, package / "price")
        (package / "web_service.py").write_text(PASSING)
        (package / "config.yml").write_text(config(["price"], batching=kind == "batching"))
    else:
        (package / "model").symlink_to(uci_model)
    if kind in PROVING:
        (package / "golden").mkdir()
        for name, row in (("house", ROW), ("smaller", [number / 2 for number in ROW])):
            sample = pack_response({}, {"x": np.array([row], "float32")})
            (package / "golden" / f"{name}.json").write_bytes(sample)
    # the clients may be slower than the model, so that without a waiting time nothing would gather
    batching = ("--batching", "16,0.01") if kind in PROVING else ()
    flags = ("--workers", str(workers), "--consistency-required", "false", "--request-timeout", str(SECONDS), *batching)
    serving = start_serving(tmp_path_factory.mktemp("serve"), package, *flags)
    # the Open Inference Protocol has the model under the name of its Op
    serving.name = "price" if kind in WITH_OPS else "svc"
    try:
        yield serving.wait_ready()
    finally:
        serving.kill()


@pytest.fixture(scope="module")
def rows() -> "NDArray[Any]":
    """Inputs that differ in every row, and so do the prices."""
    random = np.random.default_rng(0)
    return random.normal(size=(REQUESTS, 1, 13)).astype("float32")


@pytest.fixture(scope="module")
def prices(rows: "NDArray[Any]", uci_model: Path, tmp_path_factory: pytest.TempPathFactory) -> "list[NDArray[Any]]":
    requests = {f"{number:05}": {"x": row} for number, row in enumerate(rows)}
    (computed,) = raw_inference({uci_model: requests}, tmp_path_factory.mktemp("raw"))
    return [next(iter(computed[name].values())) for name in requests]


def answers_to(serving: Serving, inputs: "Sequence[NDArray[Any]]") -> "list[NDArray[Any]]":
    """The answer to every input, asked by many connections of every protocol at once."""
    numbers = count()
    answers: list[np.ndarray] = [np.empty(0)] * len(inputs)
    failures: list[str] = []

    def client(ask: Ask) -> None:
        while not failures and (number := next(numbers)) < len(inputs):
            try:
                answers[number] = ask(inputs[number])
            except Exception as error:  # noqa: BLE001 - every failure is one
                failures.append(f"request {number}: {error!r}")

    asks = [PROTOCOLS[number % len(PROTOCOLS)](serving) for number in range(CONNECTIONS)]
    threads = [threading.Thread(target=client, args=(ask,)) for ask in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    return answers


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.__name__)
def test_a_plain_model_answers_as_paddle_inference(
    plain: Serving, rows: "NDArray[Any]", prices: "list[NDArray[Any]]", protocol: Callable[[Serving], Ask]
) -> None:
    ask = protocol(plain)
    for row, price in zip(rows[:20], prices[:20], strict=True):
        np.testing.assert_array_equal(ask(row), price, strict=True)


def test_every_request_gets_its_own_answer(
    plain: Serving, request: pytest.FixtureRequest, rows: "NDArray[Any]", prices: "list[NDArray[Any]]"
) -> None:
    assert len({price.tobytes() for price in prices}) > REQUESTS * 0.99
    answers = answers_to(plain, list(rows))
    wrong = [number for number in range(REQUESTS) if answers[number].tobytes() != prices[number].tobytes()]
    metrics = plain.metrics()
    shared = metrics["paddle_serving_batch_size_sum"] - metrics["paddle_serving_batch_size_count"]
    kind = request.node.callspec.params["plain"][1]
    assert (shared > REQUESTS) == (kind in {"batching", *PROVING}), shared
    assert not [value for name, value in metrics.items() if "audit_differences" in name and value]
    assert not wrong, f"{len(wrong)} of {REQUESTS} answers are not their own, first request {wrong[0]}"
