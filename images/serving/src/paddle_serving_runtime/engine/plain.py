"""A plain model and a call alone: what the direct engine does for it, without what graphs and shared runs need."""

from collections.abc import Sequence
from dataclasses import replace

from paddle_serving_runtime.engine.failure import OpFailed
from paddle_serving_runtime.engine.inputs import InputCheck
from paddle_serving_runtime.engine.running import ModelRunner
from paddle_serving_runtime.protocol import BadRequest, ErrorCode, Response
from paddle_serving_runtime.protocol.call import Call, Result


class PlainModel:
    """The one model of a graph without Ops."""

    def __init__(self, runner: ModelRunner, check: InputCheck) -> None:
        self._runner = runner
        self._check = check

    def infer(self, call: Call) -> Result:
        """The result of one call. Never raises."""
        try:
            feed = self._check(call.inputs)
        except Exception as error:  # noqa: BLE001 - one call fails, not the worker
            return Result(error)
        run = self._runner.alone(feed)
        if isinstance(run.outcome, OpFailed):
            return Result(run.outcome, run.seconds)
        try:
            return Result(wanted(Response(0, "", {}, run.outcome), call.outputs), run.seconds)
        except BadRequest as error:
            return Result(error, run.seconds)


def wanted(response: Response, names: Sequence[str]) -> Response:
    """The response with the outputs that a call names, in its order; all where it names none.

    Raises BadRequest for an output that there is not.
    """
    if not names:
        return response
    if missing := [name for name in names if name not in response.values and name not in response.tensors]:
        known = ", ".join(sorted([*response.values, *response.tensors]))
        raise BadRequest(f"there is no output {missing[0]}; the outputs are {known}", ErrorCode.INPUT_PARAMS_ERROR)
    values = {name: response.values[name] for name in names if name in response.values}
    return replace(response, values=values, tensors={n: response.tensors[n] for n in names if n in response.tensors})
