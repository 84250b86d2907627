"""What was compared, what came out, and what may be said about it: pure."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.consistency import EXACT, Answer, Comparison, Tolerance, compare, values_to_answer
from paddle_serving_runtime.consistency.looseness import too_loose
from paddle_serving_runtime.errors import NotConsistent, NotVerifiable
from paddle_serving_runtime.package.golden import DEFAULT_TOLERANCE, Recorded
from paddle_serving_runtime.protocol import BadRequest, Response, read_response
from paddle_serving_runtime.verdict.consistency import Consistency, Require

SERVED = "served"
ENGINE = "Paddle Inference"
RECORDED = "recorded"


def tolerance_of(consistency: Consistency) -> Tolerance:
    """Within which a served answer must be the reference's."""
    return EXACT if consistency.exact else Tolerance(consistency.rtol, consistency.atol)


def compare_served(sample: str, status: int, body: bytes, want: Answer, tolerance: Tolerance) -> tuple[Comparison, ...]:
    """A served response against the reference's answer. Raises NotConsistent where it is no answer at all."""
    try:
        response = read_response(body)
    except BadRequest as error:
        raise NotConsistent(f"Sample {sample}: HTTP {status}, and {error.message}.") from None
    return compare_response(sample, f"HTTP {status}", response, want, tolerance)


def compare_response(
    sample: str, status: str, response: Response, want: Answer, tolerance: Tolerance
) -> tuple[Comparison, ...]:
    """A response, whichever protocol it came by, against the reference's answer. Raises NotConsistent for an error."""
    if response.err_no:
        raise NotConsistent(
            f"Sample {sample}: the service answers {status}, err_no {response.err_no} ({response.err_msg}), but "
            f"{ENGINE} computes an answer. The cause is in the log."
        )
    got = {**values_to_answer(response.values), **response.tensors}
    return compare(sample, got, want, tolerance, SERVED, ENGINE)


def compare_recorded(sample: str, reference: Answer, recorded: Recorded) -> tuple[Comparison, ...]:
    """The reference's answer against the recorded one, within the tolerance that was recorded with it."""
    return compare(sample, reference, recorded.answer, recorded.tolerance, ENGINE, RECORDED)


def require_close(sample: str, reference: Answer, recorded: Recorded, limit: float) -> None:
    """Raises NotVerifiable where a tensor's recorded tolerance is too loose for its values to prove anything."""
    for tensor, values in recorded.answer.items():
        if tensor in reference and "f" in (reference[tensor].dtype.kind, values.dtype.kind):
            _refuse_loose(f"The recorded answer to sample {sample}, tensor {tensor}", recorded.tolerance, values, limit)


def _refuse_loose(where: str, tolerance: Tolerance, values: NDArray[Any], limit: float) -> None:
    if clause := too_loose(tolerance, values, limit):
        raise NotVerifiable(
            f"{where}: {clause}. A comparison that lets so much pass proves nothing. Use a smaller tolerance, or, if "
            "the answers really differ that much, raise spec.consistency.maxTolerance (--max-tolerance)."
        )


def is_refusal(body: bytes) -> bool:
    """Whether a served response has no answer in it."""
    try:
        return bool(read_response(body).err_no)
    except BadRequest:
        return True


def usable_recordings(
    samples: tuple[str, ...], recorded: Mapping[str, Recorded], require: Require, *, required: bool
) -> Mapping[str, Recorded]:
    """The recorded answers to compare with. Raises NotVerifiable where what is required is not there."""
    if not samples and (required or require == "recorded"):
        raise NotVerifiable(
            "The package has no golden samples. Add requests as golden/<name>.json (bodies for POST) or tensors as "
            "golden/<name>.npz, and record the answers with `paddle-serving-runtime record`."
        )
    missing = [name for name in samples if name not in recorded]
    if require == "recorded" and missing:
        raise NotVerifiable(
            f"No recorded answer for golden sample {missing[0]} ({len(missing)} of {len(samples)} are missing), and "
            "recorded answers are required. Add golden/expected/ with `paddle-serving-runtime record`."
        )
    return {} if require == "engine-only" else recorded


def trusted_recordings(
    recorded: Mapping[str, Recorded], limit: float, *, required: bool
) -> tuple[Mapping[str, Recorded], tuple[str, ...]]:
    """The recorded answers whose tolerance proves something, and a warning for each of the others.

    Raises NotVerifiable for the first of the others where consistency is required.
    """
    trusted, warnings = {}, []
    for sample, answer in recorded.items():
        try:
            _require_tolerance(sample, answer, limit)
        except NotVerifiable as error:
            if required:
                raise
            warnings.append(error.message)
        else:
            trusted[sample] = answer
    return trusted, tuple(warnings)


def _require_tolerance(sample: str, recorded: Recorded, limit: float) -> None:
    """What can be known before there is a reference: whole numbers are compared exactly, unless it says floats."""
    if recorded.tolerance != DEFAULT_TOLERANCE:
        relative = Tolerance(recorded.tolerance.rtol, 0.0)
        _refuse_loose(f"The recorded answer to sample {sample}", relative, np.zeros(1), limit)
    require_close(sample, recorded.answer, recorded, limit)
