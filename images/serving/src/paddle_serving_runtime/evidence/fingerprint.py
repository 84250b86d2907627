"""Digests of answers, so that a report can say what was answered without having it in full: pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def tensor_digest(tensor: NDArray[Any]) -> str:
    """The sha256 (64 hex digits) of type, shape and values; tensors that are equal bit for bit have the same.

    Of a line `<dtype> <shape>` in ASCII and the little endian values in C order; text is a JSON list. As in a
    comparison, NaN is NaN whatever its payload, and -0.0 is not 0.0.
    """
    text = tensor.dtype.kind == "U"
    name = "str" if text else tensor.dtype.name
    digest = hashlib.sha256(f"{name} {json.dumps(list(tensor.shape))}\n".encode())
    digest.update(json.dumps(tensor.ravel().tolist()).encode() if text else _little(_one_nan(tensor)))
    return digest.hexdigest()


def answers_digest(answers: Mapping[tuple[str, str], str]) -> str:
    """One digest, `sha256:<hex>`, of all fingerprints by sample and tensor, in whatever order; empty for none."""
    if not answers:
        return ""
    lines = sorted(f"{digest}  {json.dumps(key)}\n" for key, digest in answers.items())
    return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"


def _one_nan(tensor: NDArray[Any]) -> NDArray[Any]:
    if tensor.dtype.kind == "c":
        halves = np.stack([_one_nan(tensor.real), _one_nan(tensor.imag)], axis=-1)
        return np.ascontiguousarray(halves)
    return np.where(np.isnan(tensor), tensor.dtype.type(np.nan), tensor) if tensor.dtype.kind == "f" else tensor


def _little(tensor: NDArray[Any]) -> bytes:
    return np.ascontiguousarray(tensor, dtype=tensor.dtype.newbyteorder("<")).tobytes()
