from enum import IntEnum
from http import HTTPStatus


class ErrorCode(IntEnum):
    """err_no of a response (Paddle Serving 0.9.0, pipeline/error_catch.py); 51 to 99 belong to the user's Ops."""

    OK = 0
    PRODUCT_ERROR = 50
    NOT_IMPLEMENTED = 3000
    CLOSED_ERROR = 3001
    NO_SERVICE = 3002
    INIT_ERROR = 3003
    CONF_ERROR = 4000
    INPUT_PARAMS_ERROR = 5000
    TIMEOUT = 6000
    TYPE_ERROR = 7000
    RPC_PACKAGE_ERROR = 8000
    CLIENT_ERROR = 9000
    UNKNOWN = 10000


_STATUS = {
    ErrorCode.OK: HTTPStatus.OK,
    ErrorCode.CLOSED_ERROR: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.NO_SERVICE: HTTPStatus.NOT_FOUND,
    ErrorCode.INPUT_PARAMS_ERROR: HTTPStatus.BAD_REQUEST,
    ErrorCode.TIMEOUT: HTTPStatus.GATEWAY_TIMEOUT,
    ErrorCode.RPC_PACKAGE_ERROR: HTTPStatus.BAD_REQUEST,
}
_PRODUCT_CODES = range(50, 100)


def http_status(err_no: int) -> HTTPStatus:
    """The HTTP status that says the same as `err_no`: 500 for whatever an Op can get wrong.

    The codes that an Op gives itself (50 to 99) are 400: it has seen the request and says what is the matter with it.
    """
    if err_no in _PRODUCT_CODES:
        return HTTPStatus.BAD_REQUEST
    try:
        return _STATUS.get(ErrorCode(err_no), HTTPStatus.INTERNAL_SERVER_ERROR)
    except ValueError:
        return HTTPStatus.INTERNAL_SERVER_ERROR


class GrpcStatus(IntEnum):
    """grpc-status of a response; the numbers are those of google.rpc.Code."""

    OK = 0
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


_GRPC_STATUS = {
    HTTPStatus.OK: GrpcStatus.OK,
    HTTPStatus.BAD_REQUEST: GrpcStatus.INVALID_ARGUMENT,
    HTTPStatus.UNAUTHORIZED: GrpcStatus.UNAUTHENTICATED,
    HTTPStatus.NOT_FOUND: GrpcStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: GrpcStatus.UNIMPLEMENTED,
    HTTPStatus.REQUEST_TIMEOUT: GrpcStatus.DEADLINE_EXCEEDED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: GrpcStatus.RESOURCE_EXHAUSTED,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: GrpcStatus.UNIMPLEMENTED,
    HTTPStatus.TOO_MANY_REQUESTS: GrpcStatus.RESOURCE_EXHAUSTED,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: GrpcStatus.RESOURCE_EXHAUSTED,
    HTTPStatus.NOT_IMPLEMENTED: GrpcStatus.UNIMPLEMENTED,
    HTTPStatus.SERVICE_UNAVAILABLE: GrpcStatus.UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT: GrpcStatus.DEADLINE_EXCEEDED,
}


def grpc_status(status: HTTPStatus) -> GrpcStatus:
    """The grpc-status that says the same as an HTTP status; INTERNAL for all that have no equal."""
    return _GRPC_STATUS.get(status, GrpcStatus.INTERNAL)


class BadRequest(Exception):  # noqa: N818 - named after the HTTP status it becomes
    """A request that no Op gets to see: `err_no` and `message` go to the client, so no paths and no internals."""

    def __init__(
        self, message: str, err_no: ErrorCode = ErrorCode.RPC_PACKAGE_ERROR, status: HTTPStatus | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.err_no = err_no
        self.status = http_status(err_no) if status is None else status
