"""grpc.health.v1 for the whole pod: every service name has the readiness of the pod."""

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped,unused-ignore]
from typing_extensions import override

from paddle_serving_runtime.supervisor.control.state import State

WATCH_SECONDS = 0.2
"""How often a watched state is looked at."""

_Response = health_pb2.HealthCheckResponse


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc,unused-ignore]
    """Check, List and Watch for "" and `names`: SERVING where the pod is ready, else NOT_SERVING."""

    def __init__(self, state: State, names: Collection[str]) -> None:
        self._state = state
        self._names = frozenset({"", *names})

    @override
    async def Check(self, request: Any, context: Any) -> Any:
        if request.service not in self._names:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no service {request.service[:80]!r}")
        return self._now(request.service)

    @override
    async def List(self, request: Any, context: Any) -> Any:
        return health_pb2.HealthListResponse(statuses={name: self._now(name) for name in self._names})

    @override
    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        told = None
        while True:
            now = self._now(request.service)
            if now != told:
                told = now
                yield now
            await asyncio.sleep(WATCH_SECONDS)

    def _now(self, service: str) -> Any:  # noqa: ANN401 - generated protobuf message
        if service not in self._names:
            return _Response(status=_Response.SERVICE_UNKNOWN)
        return _Response(status=_Response.SERVING if self._state.ready() else _Response.NOT_SERVING)
