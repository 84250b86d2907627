"""What the service answered, what the client printed, and whether both equal Paddle Inference. Pure."""

import ast
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.consistency import EXACT, Answer, Comparison, Tolerance, compare, values_to_answer
from paddle_serving_runtime.protocol import BadRequest, read_response
from tipc import messages, tolerances

REFERENCE = "Paddle Inference"
RESPONSE = {"key", "value"}
"""The fields without which a dict is no pipeline response."""


class AnswerError(Exception):
    """A response that is no answer: an error of the service, or no pipeline response at all."""


def from_response(body: bytes) -> Answer:
    """The outputs of a pipeline response by name. Raises AnswerError where err_no is not 0, or there is none."""
    try:
        response = read_response(body)
    except BadRequest as error:
        raise AnswerError(f"the service answered {body[:200]!r}: {error}") from None
    if response.err_no != 0:
        raise AnswerError(f"err_no is {response.err_no}: {response.err_msg}")
    return {**values_to_answer(response.values), **response.tensors}


def printed(log: str) -> list[bytes]:
    """The responses that a client printed, as JSON, in order: as Python's repr, as JSON, or as protobuf.

    The stock clients print `r.json()`, which is a repr, and the message of a gRPC response; others put words before
    it, or print JSON over several lines. Anything else is the client's own text.
    """
    found = [value for value in map(literal, _objects(log)) if isinstance(value, dict)]
    responses = [value for value in found if "err_no" in value or value.keys() >= RESPONSE]
    return [json.dumps({"err_no": 0, **value}).encode() for value in responses] or messages.printed_responses(log)


def _objects(log: str) -> Iterator[str]:
    """What is between braces on a line, or from one that ends with `{` to one that begins with `}`."""
    lines: list[str] = []
    for line in log.splitlines():
        if lines:
            lines.append(line)
            if line.startswith("}"):
                yield "\n".join([*lines[:-1], "}"])
                lines = []
        elif line.rstrip().endswith("{"):
            lines = ["{"]
        else:
            yield line[max(line.find("{"), 0) : line.rfind("}") + 1]


def literal(text: str) -> object:
    """The JSON or Python literal between braces that a text is; None for any other text."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def against_reference(
    sample: str, got: Answer, want: Answer, tolerance: Tolerance, got_name: str, *, want_name: str = REFERENCE
) -> tuple[Comparison, ...]:
    """One comparison for every output. Exact: a float32 counts as one number however it was printed.

    Raises AnswerError for a tolerance that lets so much pass that it proves nothing about these numbers.
    """
    if tolerance == EXACT:
        got, want = canonical(got), canonical(want)
    elif objection := tolerances.objection(tolerance, got, want):
        raise AnswerError(objection)
    return compare(sample, got, want, tolerance, got_name, want_name)


def canonical(answer: Answer) -> Answer:
    """The same numbers, with one form for each float32 that text carries.

    A float32 is printed as 0.99903536 by its own repr and as 0.9990353584289551 by a 64-bit print. Read back as
    float64 these two differ; the second is replaced by the first. Any other float64 stays what it is.
    """
    return {name: _shortest(array) if array.dtype == np.float64 else array for name, array in answer.items()}


def _shortest(array: NDArray[Any]) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    is_float32 = np.isfinite(array) & (narrow.astype(np.float64) == array)
    short = np.array([float(str(value)) for value in narrow.reshape(-1)], dtype=np.float64).reshape(array.shape)
    # A zero keeps its sign because str() does.
    return np.where(is_float32, short, array)


def largest_errors(comparisons: tuple[Comparison, ...]) -> Mapping[str, float]:
    """The largest absolute and relative error over all outputs, 0 where there is none."""
    return {
        "max_absolute_error": max((item.max_absolute_error for item in comparisons), default=0.0),
        "max_relative_error": max((item.max_relative_error for item in comparisons), default=0.0),
    }
