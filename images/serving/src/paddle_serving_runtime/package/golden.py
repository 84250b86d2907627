"""Golden samples and the answers that the author of the package recorded."""

import io
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.consistency import Answer, Tolerance
from paddle_serving_runtime.consistency.answer import to_answer
from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.package.contents import Package
from paddle_serving_runtime.paddle_model.prototxt import DTYPES

DEFAULT_TOLERANCE = Tolerance(rtol=1e-3, atol=1e-5)
SUFFIXES = (".json", ".npz")

_LARGEST_FLOAT32 = 2.0**128 - 2.0**104
_PAST_FLOAT32 = 2.0**128 - 2.0**103
"""From here on a number is rounded to infinity."""

# by elem_type; complex numbers, text and objects are not sent as tensors
_DATA_FIELDS = {
    "int64": "int64_data",
    "float32": "float_data",
    "int32": "int_data",
    "float64": "float64_data",
    "int16": "int_data",
    "float16": "float_data",
    "uint8": "uint32_data",
    "int8": "int_data",
    "bool": "bool_data",
}


@dataclass(frozen=True)
class Sample:
    """A request: `name` is the file's name in golden/, `body` the HTTP body (pipeline Request as JSON)."""

    name: str
    body: bytes


@dataclass(frozen=True)
class Recorded:
    """What the author's own Paddle Inference script answered: values, tolerance, and where they come from."""

    answer: Answer
    tolerance: Tolerance
    provenance: Mapping[str, Any]


def load_samples(package: Package) -> tuple[Sample, ...]:
    """The golden samples, sorted by name; empty where the package has none.

    A .npz sample becomes a request with its arrays as tensors. Raises ModelInvalid naming the file.
    """
    return tuple(Sample(path.name, _body(path)) for path in sample_files(package))


def sample_files(package: Package) -> tuple[Path, ...]:
    """The files of the samples, sorted. Raises ModelInvalid for a file of another kind and for equal stems."""
    if not package.golden.is_dir():
        return ()
    found = sorted(path for path in package.golden.iterdir() if path.is_file() and not path.name.startswith("."))
    stems: dict[str, Path] = {}
    for path in found:
        if path.suffix not in SUFFIXES:
            raise ModelInvalid(f"{path}: a golden sample is a .json request or an .npz of tensors. Move other files.")
        if (other := stems.setdefault(path.stem, path)) is not path:
            raise ModelInvalid(f"{other} and {path.name} would share golden/expected/{path.stem}.json. Rename one.")
    return tuple(found)


def load_recorded(package: Package) -> Mapping[str, Recorded]:
    """The recorded answers by the name of their sample; samples without one are left out.

    Raises ModelInvalid naming the file, also for an answer that belongs to no sample.
    """
    if not package.expected.is_dir():
        return {}
    samples = {path.stem: path.name for path in sample_files(package)}
    recorded: dict[str, Recorded] = {}
    for path in sorted(package.expected.iterdir()):
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.suffix not in SUFFIXES or path.stem not in samples:
            raise ModelInvalid(
                f"{path} belongs to no golden sample: there is no golden/{path.stem}.json or .npz. Delete it, or add "
                "the sample."
            )
        if samples[path.stem] in recorded:
            raise ModelInvalid(f"{path}: golden/{samples[path.stem]} has a second recorded answer. Delete one.")
        recorded[samples[path.stem]] = _recorded(path)
    return recorded


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file. Raises ModelInvalid; object arrays are refused, none is read."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # zip, deflate and a header that is Python source: each has errors of its own
        raise ModelInvalid(
            f"{path} is not an .npz file of plain arrays ({error}). Write it with numpy.savez."
        ) from error


def tensors_request(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The body of a pipeline request with the arrays as tensors. Raises ValueError for a dtype that none has."""
    tensors = []
    for name, array in arrays.items():
        field = _DATA_FIELDS.get(array.dtype.name)
        if field is None:
            raise ValueError(f"array {name} has type {array.dtype}; tensors of requests are {', '.join(_DATA_FIELDS)}")
        wide = array.astype(np.float64) if array.dtype.kind == "f" else array
        tensors.append(
            {
                "name": name,
                "elem_type": DTYPES.index(array.dtype.name),
                "shape": list(array.shape),
                field: [_json_number(value) for value in wide.ravel().tolist()],
            }
        )
    return json.dumps({"key": [], "value": [], "tensors": tensors}).encode()


def request_fields(body: bytes) -> dict[str, Any]:
    """The fields of the Request message in the body of a sample, as json_format.ParseDict reads them.

    The largest float32 is in quotes where it stands in the digits in which protobuf itself writes it, 3.4028235e+38:
    its parser finds them too large as a number (findings/protobuf-json-largest-float.sh).
    """
    document: dict[str, Any] = json.loads(body)
    tensors = document.get("tensors")
    for tensor in tensors if isinstance(tensors, list) else []:
        for field in ("float_data", "floatData"):
            if isinstance(tensor, dict) and isinstance(tensor.get(field), list):
                tensor[field] = [_quoted(value) for value in tensor[field]]
    return document


def _quoted(value: object) -> object:
    too_large = isinstance(value, float) and _LARGEST_FLOAT32 < abs(value) < _PAST_FLOAT32
    return repr(value) if too_large else value


def _json_number(value: object) -> object:
    """JSON has no NaN and no infinity; protobuf's JSON form has them as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def _body(path: Path) -> bytes:
    if path.suffix == ".npz":
        try:
            return tensors_request(read_arrays(path))
        except ValueError as error:
            raise ModelInvalid(f"{path}: {error}.") from error
    body = path.read_bytes()
    if not isinstance(_document(path, body), dict):
        raise ModelInvalid(f'{path} is not a JSON object. A sample is the body of a POST: {{"key": [...], ...}}.')
    return body


def _recorded(path: Path) -> Recorded:
    if path.suffix == ".npz":
        return Recorded(read_arrays(path), DEFAULT_TOLERANCE, {})
    document = _document(path, path.read_bytes())
    values = document.get("answer") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(values, dict) or not values:
        raise ModelInvalid(f'{path} has no "answer": an object of output names and values is expected.')
    try:
        answer = to_answer(values)
    except (OverflowError, RecursionError) as error:
        raise ModelInvalid(f"{path}: a value in answer cannot be read ({error}).") from error
    return Recorded(answer, _tolerance(path, document.get("tolerance")), document.get("recorded") or {})


def _tolerance(path: Path, given: object) -> Tolerance:
    if given is None:
        return DEFAULT_TOLERANCE
    if not isinstance(given, dict) or given.keys() - {"rtol", "atol"}:
        raise ModelInvalid(f'{path}: tolerance must be {{"rtol": number, "atol": number}}.')
    values = {"rtol": DEFAULT_TOLERANCE.rtol, "atol": DEFAULT_TOLERANCE.atol, **given}
    for name, value in values.items():
        if type(value) not in (int, float) or not 0 <= value <= sys.float_info.max:
            raise ModelInvalid(f"{path}: tolerance.{name} is {value!r:.40}, must be a finite number from 0 up.")
    return Tolerance(float(values["rtol"]), float(values["atol"]))


def _document(path: Path, body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ModelInvalid(f"{path} is not JSON: {error}.") from error
