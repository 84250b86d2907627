"""The forms in which servers take the same tensor, or the same picture: requests and answers. Pure but for `ask`."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import requests
from PIL import Image

from benchmarks import clients, payload
from benchmarks.clients import Answer
from benchmarks.models import Model
from benchmarks.payload import Inputs, Payload, Tensor

_SECONDS = 30.0
_JSON_HEADERS = (("content-type", "application/json"),)


@dataclass(frozen=True, slots=True)
class Form:
    """One form; `like` is the form in which this project's server takes the same, None where it is its own.

    `read` is None where a client of the protocol's own asks (benchmarks.clients).
    """

    name: str
    build: Callable[[str, Inputs], Payload]
    read: Callable[[requests.Response], Answer] | None
    like: Form | None = None


def _tensor(inputs: Inputs) -> Tensor:
    (value,) = inputs.values()
    if isinstance(value, str):
        raise TypeError("a tensor is wanted, not a text")
    return value


def _posted(path: str, message: Mapping[str, Any]) -> Payload:
    body = orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY)
    return Payload(path, path, _JSON_HEADERS, body, grpc=False)


def flat(_service: str, inputs: Inputs) -> Payload:
    """Shape and numbers, as a hand-written server has it."""
    x = _tensor(inputs)
    return _posted("/predict", {"shape": list(x.shape), "data": x.ravel()})


def nested(_service: str, inputs: Inputs) -> Payload:
    """Lists of lists under the name of the argument, as BentoML has it."""
    return _posted("/predict", {"x": _tensor(inputs)})


def raw_bytes(_service: str, inputs: Inputs) -> Payload:
    """The bytes of the tensor."""
    x = _tensor(inputs)
    headers = (("content-type", "application/octet-stream"), ("x-shape", ",".join(map(str, x.shape))))
    return Payload("/bytes", "/bytes", headers, x.tobytes(), grpc=False)


def open_inference(service: str, inputs: Inputs) -> Payload:
    """The Open Inference Protocol in JSON."""
    x = _tensor(inputs)
    tensor = {"name": "x", "shape": list(x.shape), "datatype": "FP32", "data": x.ravel()}
    return _posted(f"/v2/models/{service}/infer", {"inputs": [tensor]})


def paddlex_picture(_service: str, inputs: Inputs) -> Payload:
    """A base64 picture, and no drawing of the result.

    The best class alone: PaddleX 3.7.2 answers with HTTP 500 where more are asked for, as they are by default.
    """
    return _posted("/image-classification", {"image": inputs["image"], "visualize": False, "topk": 1})


def _read_flat(reply: requests.Response) -> Answer:
    message = reply.json()
    return {"y": np.array(message["data"], dtype=np.float32).reshape(message["shape"])}


def _read_nested(reply: requests.Response) -> Answer:
    return {"y": np.array(reply.json(), dtype=np.float32)}


def _read_bytes(reply: requests.Response) -> Answer:
    shape = [int(size) for size in reply.headers["x-shape"].split(",")]
    return {"y": np.frombuffer(reply.content, dtype=np.float32).reshape(shape)}


def _read_open_inference(reply: requests.Response) -> Answer:
    return {
        output["name"]: np.array(output["data"], dtype=np.float32).reshape(output["shape"])
        for output in reply.json()["outputs"]
    }


def _read_best(reply: requests.Response) -> Answer:
    (best,) = reply.json()["result"]["categories"]
    # of two classes the other one has what is left
    scores = (best["score"], 1 - best["score"])
    return {"scores": np.array([scores if best["id"] == 0 else scores[::-1]], dtype=np.float32)}


def _read_scores(reply: requests.Response) -> Answer:
    message = reply.json()
    scores = dict(zip(message["key"], message["value"], strict=True))["scores"]
    return {"scores": np.array([json.loads(scores)], dtype=np.float32)}


def _own(protocol: str) -> Callable[[str, Inputs], Payload]:
    return lambda service, inputs: payload.build(protocol, service, inputs)


JSON = Form("JSON", _own(payload.JSON), None)
OIP_JSON = Form("OIP JSON", open_inference, _read_open_inference)
OIP_BINARY = Form(payload.OIP_BINARY, _own(payload.OIP_BINARY), None)
OIP_GRPC = Form(payload.OIP_GRPC, _own(payload.OIP_GRPC), None)
PICTURE = Form("picture in JSON", _own(payload.JSON), _read_scores)
FLAT = Form("JSON", flat, _read_flat, JSON)
NESTED = Form("JSON", nested, _read_nested, JSON)
BYTES = Form("bytes", raw_bytes, _read_bytes, OIP_BINARY)
PADDLEX = Form("picture in JSON", paddlex_picture, _read_best, PICTURE)


def png(pixels: Tensor) -> str:
    """A base64 PNG of the picture behind a normalised tensor of one picture: -1..1, channels first."""
    colours = np.rint((pixels[0].transpose(1, 2, 0) + 1) * np.float32(127.5)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(colours).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def ask(form: Form, ports: tuple[int, int], model: Model) -> Answer:
    """What a server on (HTTP port, gRPC port) answers to the model's request in this form.

    Raises WrongAnswerError for a refusal and what cannot be read, and what the client raises where there is no answer.
    """
    if form.read is None:
        return clients.ask(form.name, ports, model.service, model.inputs)
    request = form.build(model.service, model.inputs)
    url = f"http://127.0.0.1:{ports[0]}{request.path}"
    reply = requests.post(url, data=request.body, headers=dict(request.headers), timeout=_SECONDS)
    try:
        reply.raise_for_status()
        return form.read(reply)
    except (requests.RequestException, ValueError, KeyError, TypeError, IndexError) as error:
        said = " ".join(reply.text.split())[:300]
        raise clients.WrongAnswerError(f"{form.name}: {type(error).__name__} {error}: {said}") from error
