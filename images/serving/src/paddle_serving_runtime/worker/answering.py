"""A request body to a reply: the protocol around the engine, without HTTP."""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from paddle_serving_runtime.engine import Engine, OpFailed
from paddle_serving_runtime.protocol import (
    BadRequest,
    ErrorCode,
    Limits,
    UnpackableValue,
    error_body,
    pack_response,
    parse_request,
)
from paddle_serving_runtime.protocol.call import SERVICE, Call, Result

_LOG = logging.getLogger(__name__)


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

    async def answer(self, path: str, body: bytes, request_id: str) -> Reply:
        """The reply. Never raises: what an Op does wrong is logged with `request_id` and becomes a 500."""
        try:
            self._require_service(path)
            request = parse_request(body, self._limits)
            done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
            self._engine.submit(Call(SERVICE, request.inputs, request.log_id), done.set_result)
            outcome = (await done).outcome
            if isinstance(outcome, Exception):
                raise outcome  # noqa: TRY301 - the protocol's own errors below are the engine's too
            return Reply(HTTPStatus.OK, pack_response(outcome.values, outcome.tensors))
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
