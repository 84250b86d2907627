"""The reference's answers on disk; read back without importing paddle."""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.consistency import Answer
from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.package.golden import Sample


@dataclass(frozen=True)
class Reference:
    """Answers by sample name, and what computed them; `switches` by the name of the node.

    `derived` is a further sample, made of the package's only one, which has an answer of its own; None without one.
    `models` are the folders of the nodes' models, relative to the package.
    """

    paddle_version: str
    device: str
    switches: Mapping[str, Any]
    answers: Mapping[str, Answer]
    derived: Sample | None = None
    models: Mapping[str, str] = field(default_factory=dict)


def read(path: Path) -> Reference:
    """The reference that `write` has written. Raises ModelInvalid where the file is not one."""
    try:
        document = json.loads(path.read_bytes())
        answers = {
            sample: {name: _decode(tensor) for name, tensor in tensors.items()}
            for sample, tensors in document["answers"].items()
        }
        given = document.get("derived")
        derived = Sample(given["name"], base64.b64decode(given["body"], validate=True)) if given else None
        models = document.get("models", {})
        return Reference(document["paddleVersion"], document["device"], document["switches"], answers, derived, models)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelInvalid(
            f"{path} is not a reference ({type(error).__name__}: {error}). Make it with `paddle-serving-runtime "
            "reference`."
        ) from error


def write(path: Path, reference: Reference) -> None:
    """Writes the reference as JSON; the file appears complete or not at all."""
    document = {
        "paddleVersion": reference.paddle_version,
        "device": reference.device,
        "switches": reference.switches,
        "models": reference.models,
        "derived": _encode_sample(reference.derived) if reference.derived else None,
        "answers": {
            sample: {name: _encode(tensor) for name, tensor in answer.items()}
            for sample, answer in reference.answers.items()
        },
    }
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(document), encoding="utf-8")
    os.replace(partial, path)  # noqa: PTH105 - the rename is the point; Path.replace reads like text replacement


def _encode_sample(sample: Sample) -> dict[str, str]:
    return {"name": sample.name, "body": base64.b64encode(sample.body).decode()}


def _encode(tensor: NDArray[Any]) -> dict[str, Any]:
    """{"dtype", "shape", "data"}: base64 of the little endian bytes in C order, a list of str for text."""
    if tensor.dtype.kind == "U":
        return {"dtype": "str", "shape": list(tensor.shape), "data": tensor.ravel().tolist()}
    little = np.ascontiguousarray(tensor, dtype=tensor.dtype.newbyteorder("<"))
    return {
        "dtype": tensor.dtype.name,
        "shape": list(tensor.shape),
        "data": base64.b64encode(little.tobytes()).decode(),
    }


def _decode(tensor: Mapping[str, Any]) -> NDArray[Any]:
    if tensor["dtype"] == "str":
        return np.array(tensor["data"], dtype=np.str_).reshape(tensor["shape"])
    dtype = np.dtype(tensor["dtype"]).newbyteorder("<")
    return np.frombuffer(base64.b64decode(tensor["data"], validate=True), dtype=dtype).reshape(tensor["shape"])
