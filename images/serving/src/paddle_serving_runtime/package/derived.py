"""A second golden sample for a package that has only one: made of the values of that one, so that it is valid too."""

import base64
import binascii
import io
import json
import re
from collections.abc import Callable, Iterator
from math import prod
from typing import Any

from paddle_serving_runtime.package.golden import Sample

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_BETWEEN_NUMBERS = re.compile(r"[\s,;\[\]()]*")
_FLOATS = ("float_data", "float64_data")

Document = dict[str, Any]
Tensor = dict[str, Any]


def derived_samples(sample: Sample, *, any_batch: bool) -> Iterator[Sample]:
    """Requests of the same form with other content, the best first; none where nothing safe can be made.

    `any_batch` says that the model takes any number of rows. Only values of the sample itself are used: the first
    row once more, rows in another order, floats of a row from back to front, a picture turned upside down. An id
    stays one that the model knows. Whether the service answers such a request is for the caller to find out.
    """
    try:
        document = json.loads(sample.body)
    except ValueError:
        return
    for what, change in _changes(document, any_batch=any_batch):
        try:
            changed = change(document)
        except (TypeError, KeyError, AttributeError, ValueError):  # no request that the service could answer either
            continue
        if changed is not None and changed != document:
            yield Sample(f"{sample.name} ({what})", json.dumps(changed).encode())


Change = Callable[[Document], Document | None]


def _changes(document: Document, *, any_batch: bool) -> Iterator[tuple[str, Change]]:
    if document.get("tensors"):
        if any_batch:
            yield "first row repeated", lambda given: _of_tensors(given, _repeated)
        yield "rows in another order", lambda given: _of_tensors(given, _rolled)
        yield "values reversed", lambda given: _of_tensors(given, _reversed)
    yield "numbers reversed", lambda given: _of_text(given, _reversed_numbers)
    yield "picture turned", lambda given: _of_text(given, _turned_picture)


def _of_tensors(document: Document, change: Callable[[Tensor, str], Tensor | None]) -> Document | None:
    """The request with every tensor changed; None where one of them has no rows that could be told apart."""
    tensors = []
    for tensor in document["tensors"]:
        field = _data_field(tensor)
        changed = change(tensor, field) if field else None
        if changed is None:
            return None
        tensors.append(changed)
    same_rows = len({tensor["shape"][0] for tensor in tensors}) == 1
    return {**document, "tensors": tensors} if same_rows else None


def _data_field(tensor: Tensor) -> str:
    """The name of the field with the values; empty where they are not a plain list of rows."""
    fields = [name for name, value in tensor.items() if name.endswith("_data") and isinstance(value, list)]
    shape = tensor.get("shape")
    if len(fields) != 1 or not isinstance(shape, list) or not shape or tensor.get("lod"):
        return ""
    return fields[0] if prod(map(int, shape)) == len(tensor[fields[0]]) > 0 else ""


def _row(tensor: Tensor, field: str) -> int:
    return len(tensor[field]) // int(tensor["shape"][0])


def _repeated(tensor: Tensor, field: str) -> Tensor:
    rows, *others = tensor["shape"]
    values = tensor[field]
    return {**tensor, "shape": [int(rows) + 1, *others], field: [*values, *values[: _row(tensor, field)]]}


def _rolled(tensor: Tensor, field: str) -> Tensor:
    values, row = tensor[field], _row(tensor, field)
    return {**tensor, field: [*values[-row:], *values[:-row]]}


def _reversed(tensor: Tensor, field: str) -> Tensor:
    """Floats of every row from back to front; whole numbers may be positions or lengths, and stay."""
    if field not in _FLOATS:
        return tensor
    values, row = tensor[field], _row(tensor, field)
    backwards = [values[start : start + row][::-1] for start in range(0, len(values), row)]
    return {**tensor, field: [value for row_values in backwards for value in row_values]}


def _of_text(document: Document, change: Callable[[str], str | None]) -> Document | None:
    """The request with the first text changed that can be."""
    texts: list[object] = document.get("value") or []
    for index, text in enumerate(texts):
        changed = change(text) if isinstance(text, str) else None
        if changed is not None and changed != text:
            return {**document, "value": [*texts[:index], changed, *texts[index + 1 :]]}
    return None


def _reversed_numbers(text: str) -> str | None:
    """The numbers of a text that has nothing else from back to front; None where they may be ids or lengths."""
    numbers, between = _NUMBER.findall(text), _NUMBER.split(text)
    if not all(_BETWEEN_NUMBERS.fullmatch(part) for part in between):
        return None
    if not any(set(number) & set(".eE") for number in numbers):
        return None
    return "".join(f"{part}{number}" for part, number in zip(between, [*numbers[::-1], ""], strict=True))


def _turned_picture(text: str) -> str | None:
    """Base64 of the picture upside down, in its own format; None where the text is no picture."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - for the few samples that come here only

    try:
        with Image.open(io.BytesIO(base64.b64decode(text))) as picture:
            turned = io.BytesIO()
            picture.rotate(180).save(turned, format=picture.format)
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError, KeyError, Image.DecompressionBombError):
        return None
    return base64.b64encode(turned.getvalue()).decode()
