"""PipelineService/inference: the gRPC form of the pipeline protocol, for PipelineClient and generated stubs."""

from collections.abc import Collection

from typing_extensions import override

from paddle_serving_runtime.protocol import Limits, Response
from paddle_serving_runtime.protocol.call import SERVICE, Call
from paddle_serving_runtime.protocol.codes import GrpcStatus, grpc_status
from paddle_serving_runtime.protocol.pipeline.grpc import error_message, pack_message, parse_message
from paddle_serving_runtime.worker.http import HttpReply, HttpRequest
from paddle_serving_runtime.worker.routes.dialect import Accepted, Dialect, Failure
from paddle_serving_runtime.worker.routes.grpc import message_of, message_reply, status_reply

_OF_TRANSPORT = frozenset({GrpcStatus.UNIMPLEMENTED, GrpcStatus.RESOURCE_EXHAUSTED})
"""These say that there was no request to speak of; gRPC itself would have refused it upstream, too."""


class PipelineGrpc(Dialect):
    """An error of the service is a Response with err_no and the gRPC status OK, as upstream."""

    def __init__(self, names: Collection[str], limits: Limits) -> None:
        self._names = frozenset(names)
        self._limits = limits

    @override
    def accept(self, request: HttpRequest) -> Accepted:
        message = message_of(request, self._limits.body_bytes)
        parsed = parse_message(message, self._names, self._limits)
        return Accepted(Call(SERVICE, parsed.inputs, parsed.log_id), _write)

    @override
    def refuse(self, failure: Failure) -> HttpReply:
        status = grpc_status(failure.status)
        if status in _OF_TRANSPORT:
            return status_reply(status, failure.message)
        return message_reply(error_message(failure.err_no, failure.message))


def _write(response: Response) -> HttpReply:
    return message_reply(pack_message(response))
