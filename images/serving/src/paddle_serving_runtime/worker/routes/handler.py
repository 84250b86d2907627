import functools
import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from http import HTTPStatus

from paddle_serving_runtime.engine import Engine, OpFailed
from paddle_serving_runtime.protocol import BadRequest, ErrorCode, Limits, Response, UnpackableValue
from paddle_serving_runtime.protocol.call import Result
from paddle_serving_runtime.protocol.grpc.framing import CONTENT_TYPE
from paddle_serving_runtime.protocol.open_inference.common import resolver
from paddle_serving_runtime.protocol.paths import (
    MODEL_INFER,
    ONLY_GET,
    ONLY_POST,
    PIPELINE_INFERENCE,
    is_open_inference,
    open_inference_methods,
)
from paddle_serving_runtime.worker.http import Handler, HttpReply, HttpRequest, Respond
from paddle_serving_runtime.worker.routes.counting import Counting
from paddle_serving_runtime.worker.routes.dialect import Accepted, Dialect, Failure
from paddle_serving_runtime.worker.routes.open_inference import OpenInferenceGrpc, OpenInferenceRest
from paddle_serving_runtime.worker.routes.pipeline_grpc import PipelineGrpc
from paddle_serving_runtime.worker.routes.pipeline_json import PipelineJson

_LOG = logging.getLogger(__name__)
_INTERNAL = Failure(HTTPStatus.INTERNAL_SERVER_ERROR, ErrorCode.UNKNOWN, "internal error")
_POST = ("POST",)
_Route = tuple[Dialect, tuple[str, ...]]
"""The protocol of a path, and the methods that it has."""


def make_handler(engine: Engine, names: Collection[str], limits: Limits, *, legacy_status: bool = False) -> Handler:
    """The handler of a worker's HTTP server: path -> protocol -> call -> engine -> reply.

    The gRPC methods are there for gRPC requests; for others their paths are those of a service that there is not.
    `names` are the service's names. `legacy_status` is about the JSON form of the pipeline protocol: HTTP 200 for
    every error of the service. A request without an id has not come through the front, so it is the supervisor's: it
    is computed alone. The handler never raises: what an Op does wrong is logged with the request's id.
    """
    resolve = resolver(names, (model.name for model in engine.models))
    count = Counting(engine.models)
    grpc = {PIPELINE_INFERENCE: PipelineGrpc(names, limits), MODEL_INFER: OpenInferenceGrpc(resolve, limits)}
    below_v2 = OpenInferenceRest(resolve, limits)
    pipeline_json = PipelineJson(names, limits, legacy_status=legacy_status)

    def route(request: HttpRequest) -> _Route:
        path = request.path
        if path in grpc and request.headers.get(b"content-type", b"").startswith(CONTENT_TYPE):
            return grpc[path], _POST
        if is_open_inference(path):
            return below_v2, open_inference_methods(path) or _POST
        return pipeline_json, _POST

    return functools.partial(_handle, engine, count, route)


def _handle(
    engine: Engine,
    count: Counting,
    route: Callable[[HttpRequest], _Route],
    request: HttpRequest,
    respond: Respond,
) -> None:
    dialect, methods = route(request)
    request_id = request.headers.get(b"x-request-id", b"").decode("latin-1")
    if request.method != "POST" or methods != _POST:
        respond(_not_allowed(dialect, methods))
        return
    try:
        accepted = dialect.accept(request)
    except Exception as error:  # noqa: BLE001 - more requests wait
        respond(dialect.refuse(_failure(error, request_id)))
        return
    call = accepted.call if request_id else replace(accepted.call, alone=True)
    engine.submit(call, functools.partial(_finish, dialect, accepted, count, request_id, respond))


def _finish(
    dialect: Dialect, accepted: Accepted, count: Counting, request_id: str, respond: Respond, result: Result
) -> None:
    succeeded = False
    try:
        reply = _reply(dialect, accepted, request_id, result.outcome)
        succeeded = not isinstance(result.outcome, BaseException)
    except Exception as error:  # noqa: BLE001 - the client waits
        reply = dialect.refuse(_failure(error, request_id))
    header = count.header(accepted.call, result, succeeded=succeeded)
    respond(HttpReply(reply.status, (*reply.headers, header), reply.body, reply.trailers))


def _reply(dialect: Dialect, accepted: Accepted, request_id: str, outcome: Response | BaseException) -> HttpReply:
    if isinstance(outcome, BaseException):
        return dialect.refuse(_failure(outcome, request_id))
    return accepted.write(outcome)


def _failure(error: BaseException, request_id: str) -> Failure:
    """What the client is told; what happened is logged where the client is not to blame."""
    fields = {"fields": {"request": request_id}}
    match error:
        case BadRequest():
            return Failure(error.status, error.err_no, error.message)
        case OpFailed():
            _LOG.error("request failed: %s", error.message, exc_info=error, extra=fields)
            return Failure(error.status, error.err_no, error.message)
        case UnpackableValue():
            _LOG.error("request failed: %s", error, extra=fields)
            return Failure(HTTPStatus.INTERNAL_SERVER_ERROR, ErrorCode.TYPE_ERROR, str(error))
        case _:
            _LOG.error("request failed", exc_info=error, extra=fields)
            return _INTERNAL


def _not_allowed(dialect: Dialect, methods: tuple[str, ...]) -> HttpReply:
    message = ONLY_POST if methods == _POST else ONLY_GET
    reply = dialect.refuse(Failure(HTTPStatus.METHOD_NOT_ALLOWED, ErrorCode.RPC_PACKAGE_ERROR, message))
    return reply._replace(headers=(*reply.headers, (b"allow", ", ".join(methods).encode())))
