"""The Open Inference Protocol: `POST /v2/models/{model}[/versions/{version}]/infer`, and ModelInfer over gRPC."""

import functools
from http import HTTPStatus

from typing_extensions import override

from paddle_serving_runtime.protocol import BadRequest, ErrorCode, Limits, Response
from paddle_serving_runtime.protocol.codes import grpc_status
from paddle_serving_runtime.protocol.open_inference import grpc, rest
from paddle_serving_runtime.protocol.open_inference.common import InferRequest, Resolve
from paddle_serving_runtime.protocol.open_inference.remembered import InferParser
from paddle_serving_runtime.worker.http import HttpReply, HttpRequest
from paddle_serving_runtime.worker.routes.dialect import Accepted, Dialect, Failure, content_of, json_reply
from paddle_serving_runtime.worker.routes.grpc import message_of, message_reply, status_reply


class OpenInferenceRest(Dialect):
    """Errors are {"error": "..."} with their HTTP status."""

    def __init__(self, resolve: Resolve, limits: Limits) -> None:
        self._resolve = resolve
        self._limits = limits
        self._parse = InferParser(limits)

    @override
    def accept(self, request: HttpRequest) -> Accepted:
        model, version = _model_and_version(request.path)
        target = self._resolve(model, version)
        body = content_of(request, self._limits.body_bytes)
        length = request.headers.get(rest.HEADER_LENGTH)
        header_length = None if length is None else length.decode("latin-1")
        parsed = self._parse(model, target, body, header_length)
        return Accepted(parsed.call, functools.partial(_write_rest, parsed))

    @override
    def refuse(self, failure: Failure) -> HttpReply:
        return json_reply(failure.status, rest.error_json(failure.message))


class OpenInferenceGrpc(Dialect):
    """Errors are a gRPC status with a message."""

    def __init__(self, resolve: Resolve, limits: Limits) -> None:
        self._resolve = resolve
        self._limits = limits

    @override
    def accept(self, request: HttpRequest) -> Accepted:
        message = message_of(request, self._limits.body_bytes)
        parsed = grpc.parse_infer(message, self._resolve, self._limits)
        return Accepted(parsed.call, functools.partial(_write_grpc, parsed))

    @override
    def refuse(self, failure: Failure) -> HttpReply:
        return status_reply(grpc_status(failure.status), failure.message)


def _model_and_version(path: str) -> tuple[str, str]:
    match path.split("/"):
        case ["", "v2", "models", model, "infer"]:
            return model, ""
        case ["", "v2", "models", model, "versions", version, "infer"]:
            return model, version
        case _:
            reason = "no such path; inference is POST /v2/models/<model>/infer"
            raise BadRequest(reason, ErrorCode.NO_SERVICE)


def _write_rest(request: InferRequest, response: Response) -> HttpReply:
    packed = rest.pack_infer(request, response)
    if packed.header_length is None:
        return json_reply(HTTPStatus.OK, packed.body)
    length = (rest.HEADER_LENGTH, b"%d" % packed.header_length)
    return HttpReply(HTTPStatus.OK, ((b"content-type", b"application/octet-stream"), length), packed.body)


def _write_grpc(request: InferRequest, response: Response) -> HttpReply:
    return message_reply(grpc.pack_infer(request, response))
