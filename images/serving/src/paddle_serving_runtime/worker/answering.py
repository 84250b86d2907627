"""A request body to a reply: the protocol around the engine, without HTTP."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

from numpy.typing import NDArray

from paddle_serving_runtime.engine import OpFailed
from paddle_serving_runtime.protocol import (
    BadRequest,
    ErrorCode,
    Limits,
    UnpackableValue,
    error_body,
    parse_request,
)

_LOG = logging.getLogger(__name__)


class Engine(Protocol):
    """What answers: the direct engine."""

    def infer(self, inputs: Mapping[str, str | NDArray[Any]], log_id: int) -> dict[str, Any]:
        """The output for one request."""

    def pack(self, output: dict[str, Any], /) -> bytes:
        """The response body for an output."""


@dataclass(frozen=True)
class Reply:
    """What goes back: HTTP status and a JSON body."""

    status: HTTPStatus
    body: bytes


def refusal(error: BadRequest) -> Reply:
    """The reply to a request that no Op gets to see."""
    return Reply(error.status, error_body(error.err_no, error.message))


class Answering:
    """Answers `POST /{service}/{method}` for the services in `names`; the method has no meaning, as upstream."""

    def __init__(self, engine: Engine, names: Collection[str], limits: Limits) -> None:
        self._engine = engine
        self._names = names
        self._limits = limits

    def answer(self, path: str, body: bytes, request_id: str) -> Reply:
        """The reply. Never raises: what an Op does wrong is logged with `request_id` and becomes a 500."""
        try:
            self._require_service(path)
            request = parse_request(body, self._limits)
            return Reply(HTTPStatus.OK, self._engine.pack(self._engine.infer(request.inputs, request.log_id)))
        except BadRequest as error:
            return refusal(error)
        except OpFailed as error:
            _LOG.error("request failed: %s", error.message, exc_info=error, extra=_fields(request_id))
            return Reply(error.status, error_body(error.err_no, error.message))
        except UnpackableValue as error:
            _LOG.error("request failed: %s", error, extra=_fields(request_id))
            return Reply(HTTPStatus.INTERNAL_SERVER_ERROR, error_body(ErrorCode.TYPE_ERROR, str(error)))
        except (Exception, SystemExit):  # noqa: BLE001 - an Op may do anything, sys.exit() too; more requests wait
            _LOG.exception("request failed", extra=_fields(request_id))
            return Reply(HTTPStatus.INTERNAL_SERVER_ERROR, error_body(ErrorCode.UNKNOWN, "internal error"))

    def _require_service(self, path: str) -> None:
        parts = path.split("/")
        if len(parts) != 3 or parts[0] or not parts[2] or parts[1] not in self._names:  # noqa: PLR2004 - "", name, method
            served = " and ".join(f"/{name}/<method>" for name in sorted(self._names))
            raise BadRequest(f"no such service; served here: {served}", ErrorCode.NO_SERVICE)


def _fields(request_id: str) -> dict[str, Any]:
    return {"fields": {"request": request_id}}
