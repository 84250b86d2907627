"""What two revisions have answered to the same request, as one more sample of a drift: pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from paddle_serving_runtime.consistency import Answer, values_to_answer
from paddle_serving_runtime.evidence.drift import STABLE, THIS, Drift
from paddle_serving_runtime.protocol import BadRequest, Response
from paddle_serving_runtime.protocol.answers import read_answer


@dataclass(frozen=True)
class Given:
    """An answer as it came: header names in lower case, trailers among them."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def compare_given(drift: Drift, sample: str, path: str, ours: Given | None, theirs: Given | None) -> None:
    """Adds what both sides gave to a POST of `path`, None where nothing came.

    Anything but two answers that can be read is a sample that is missing.
    """
    both: list[Answer] = []
    for side, given in ((STABLE, theirs), (THIS, ours)):
        response = _response(path, given)
        if isinstance(response, str):
            drift.miss(sample, f"{side} {response}.")
            return
        if response.err_no:
            hidden = drift.question.samples == "Replay"
            drift.miss(sample, f"{side} answers err_no {response.err_no}{'' if hidden else f' ({response.err_msg})'}.")
            return
        both.append(values_to_answer({**response.values, **response.tensors}))
    theirs_read, ours_read = both
    drift.add(sample, ours_read, theirs_read)


def _response(path: str, given: Given | None) -> Response | str:
    """The response in an answer; what to say where there is none."""
    if given is None:
        return "has lost two workers over it"
    try:
        return read_answer(path, given.status, given.headers, given.body)
    except BadRequest as error:
        return f"gives an answer that cannot be read: {error.message}"
