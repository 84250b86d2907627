"""`POST /{service}/{method}`: the pipeline protocol in JSON, as the gateway of Paddle Serving speaks it."""

from collections.abc import Collection
from http import HTTPStatus

from typing_extensions import override

from paddle_serving_runtime.protocol import (
    BadRequest,
    ErrorCode,
    Limits,
    Response,
    error_body,
    pack_response,
    parse_request,
)
from paddle_serving_runtime.protocol.call import SERVICE, Call
from paddle_serving_runtime.worker.http import HttpReply, HttpRequest
from paddle_serving_runtime.worker.routes.dialect import Accepted, Dialect, Failure, content_of, json_reply

_OF_HTTP = frozenset(
    {
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
"""Refusals that have nothing to do with the service: their status says so whatever the legacy status is."""


class PipelineJson(Dialect):
    """Answers for the services in `names`; the method in the path has no meaning, as upstream.

    With `legacy_status` every error of the service has the HTTP status 200 and is told by err_no alone, as upstream.
    """

    def __init__(self, names: Collection[str], limits: Limits, *, legacy_status: bool) -> None:
        self._names = frozenset(names)
        self._limits = limits
        self._legacy_status = legacy_status

    @override
    def accept(self, request: HttpRequest) -> Accepted:
        self._require_service(request.path)
        parsed = parse_request(content_of(request, self._limits.body_bytes), self._limits)
        return Accepted(Call(SERVICE, parsed.inputs, parsed.log_id), _write)

    @override
    def refuse(self, failure: Failure) -> HttpReply:
        kept = not self._legacy_status or failure.status in _OF_HTTP
        status = failure.status if kept else HTTPStatus.OK
        return json_reply(status, error_body(failure.err_no, failure.message))

    def _require_service(self, path: str) -> None:
        parts = path.split("/")
        if len(parts) != 3 or parts[0] or not parts[2] or parts[1] not in self._names:  # noqa: PLR2004 - "", name, method
            served = " and ".join(f"/{name}/<method>" for name in sorted(self._names))
            raise BadRequest(f"no such service; served here: {served}", ErrorCode.NO_SERVICE)


def _write(response: Response) -> HttpReply:
    return json_reply(HTTPStatus.OK, pack_response(response.values, response.tensors))
