"""POST /drift: the question in its body, and the page that answers it."""

import logging
import math
from collections.abc import Mapping
from typing import Any

import orjson

from paddle_serving_runtime.consistency import Tolerance
from paddle_serving_runtime.evidence.drift import Question
from paddle_serving_runtime.supervisor.drifts import Drifts
from paddle_serving_runtime.supervisor.pages import Page, json_page, refusal
from paddle_serving_runtime.supervisor.readiness import Readiness
from paddle_serving_runtime.supervisor.settings import MAX_REPLAY_REQUESTS
from paddle_serving_runtime.supervisor.stable import Unavailable

_LOG = logging.getLogger(__name__)
MAX_BYTES = 16 * 1024
_DEFAULTS: Mapping[str, Any] = {"samples": "Golden", "requests": 200, "rtol": 0.0, "atol": 0.0}


async def drift_page(drifts: Drifts | None, ready: Readiness, body: bytes) -> Page:
    """The drift as JSON; 400 for what is no question, 404 without a stable revision, 503 where there is no answer."""
    if drifts is None:
        return refusal(404, "there is no other revision to compare with; start with --stable-service NAME")
    question = _question(body)
    if isinstance(question, str):
        return refusal(400, question)
    try:
        return json_page(await _answer(drifts, ready, question))
    except Unavailable as error:
        return refusal(503, str(error))


async def _answer(drifts: Drifts, ready: Readiness, question: Question) -> dict[str, Any]:
    if not ready.ready:
        raise Unavailable(f"this pod is not ready: {ready.reason}")
    try:
        return await drifts.answer(question)
    except Unavailable:
        raise
    except Exception as error:
        _LOG.exception("the comparison failed")
        raise Unavailable("the comparison failed; the log of this pod has the place") from error


def _question(body: bytes) -> Question | str:
    """The question; what is wrong with the body where it is none."""
    try:
        fields = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        return f"the body is not JSON: {error.msg}"
    if not isinstance(fields, dict) or fields.keys() - _DEFAULTS.keys():
        return f"the body must be an object with nothing but {', '.join(_DEFAULTS)}"
    fields = {**_DEFAULTS, **fields}
    if fields["samples"] not in ("Golden", "Replay"):
        return "samples must be Golden or Replay"
    requests = fields["requests"]
    if type(requests) is not int or not 1 <= requests <= MAX_REPLAY_REQUESTS:
        return f"requests must be a whole number from 1 to {MAX_REPLAY_REQUESTS}"
    for name in ("rtol", "atol"):
        if type(fields[name]) not in (int, float) or not 0 <= fields[name] < math.inf:
            return f"{name} must be a finite number from 0 up"
    tolerance = Tolerance(float(fields["rtol"]), float(fields["atol"]))
    return Question(fields["samples"], requests, tolerance)
