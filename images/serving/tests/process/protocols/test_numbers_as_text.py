"""A plain model takes numbers as text by every protocol, and computes with exactly these numbers."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import requests
from tritonclient import grpc as triton_grpc

from images.serving.tests.process.protocols.clients import SECONDS, call_pipeline, of_message
from paddle_serving_runtime.protocol import read_response
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

Arrays = dict[str, np.ndarray]
Texts = dict[str, str]


class RefusedError(Exception):
    """What the service says is wrong with the request."""


def pipeline_json(serving: "Serving", texts: Texts) -> Arrays:
    response = serving.post(json.dumps({"key": list(texts), "value": list(texts.values())}).encode(), timeout=SECONDS)
    if response.status_code == 400:
        raise RefusedError(response.json()["err_msg"])
    return dict(read_response(response.content).tensors)


def pipeline_grpc(serving: "Serving", texts: Texts) -> Arrays:
    answer = call_pipeline(serving, MESSAGES["Request"](key=list(texts), value=list(texts.values())))
    if answer.err_no:
        raise RefusedError(answer.err_msg)
    return of_message(answer)


def open_inference_rest(serving: "Serving", texts: Texts) -> Arrays:
    inputs = [{"name": name, "shape": [1], "datatype": "BYTES", "data": [text]} for name, text in texts.items()]
    response = requests.post(f"{serving.http}/v2/models/svc/infer", json={"inputs": inputs}, timeout=SECONDS)
    if response.status_code == 400:
        raise RefusedError(response.json()["error"])
    dtypes = {"FP32": "float32", "INT64": "int64"}
    return {
        output["name"]: np.array(output["data"], dtypes[output["datatype"]]).reshape(output["shape"])
        for output in response.json()["outputs"]
    }


def open_inference_grpc(serving: "Serving", texts: Texts) -> Arrays:
    inputs: list[Any] = []
    for name, text in texts.items():
        array = np.array([text.encode()], np.object_)
        inputs.append(triton_grpc.InferInput(name, [1], "BYTES").set_data_from_numpy(array))
    with triton_grpc.InferenceServerClient(serving.grpc) as client:
        try:
            result = client.infer("svc", inputs, client_timeout=SECONDS)
        except triton_grpc.InferenceServerException as error:
            raise RefusedError(error.message()) from None
    return {output.name: result.as_numpy(output.name) for output in result.get_response().outputs}


CLIENTS = [pipeline_json, pipeline_grpc, open_inference_rest, open_inference_grpc]
every_client = pytest.mark.parametrize("ask", CLIENTS, ids=lambda client: client.__name__)
TEXTS = {"a": "9007199254740993,-4611686018427387903", "b": "[0.1, -1e-3]", "c": "1,0"}


@every_client
def test_a_model_computes_with_the_numbers_of_the_text(
    plain: "Serving",
    paddle_inference: Callable[[Arrays], list[np.ndarray]],
    ask: Callable[["Serving", Texts], Arrays],
) -> None:
    arrays = {
        "a": np.array([[2**53 + 1, -(2**62) + 1]]),
        "b": np.array([[0.1, -1e-3]], np.float32),
        "c": np.array([[True, False]]),
    }
    got = list(ask(plain, TEXTS).values())
    assert [array.tobytes() for array in got] == [array.tobytes() for array in paddle_inference(arrays)]
    assert got[1].tolist() == [[2**54 + 2, -(2**63) + 2]]


@every_client
@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a", "9223372036854775808,1", "input a: a number does not fit int64"),
        ("a", "1.0,2", "input a: a number does not fit int64"),
        ("a", "1_000,2", "input a: the text is not a list of numbers separated by commas"),
        ("a", "\uff11,2", "input a: the text is not a list of numbers separated by commas"),
        ("b", "1e39,2", "input b: a number does not fit float32"),
        ("b", "inf,2", "input b: the text is not a list of numbers separated by commas"),
        ("c", "2,0", "input c: a number does not fit bool"),
        ("c", "true,false", "input c: the text is not a list of numbers separated by commas"),
    ],
)
def test_text_that_the_model_cannot_have_exactly_is_refused(
    plain: "Serving", ask: Callable[["Serving", Texts], Arrays], name: str, text: str, words: str
) -> None:
    with pytest.raises(RefusedError, match=words):
        ask(plain, {**TEXTS, name: text})
