"""The gRPC methods of the Open Inference Protocol that ask nothing of a worker, health, and reflection."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped,unused-ignore]
from grpc_reflection.v1alpha import reflection, reflection_pb2  # type: ignore[import-untyped,unused-ignore]

from paddle_serving_runtime.protocol.open_inference import messages as open_inference_messages
from paddle_serving_runtime.protocol.open_inference.common import VERSION
from paddle_serving_runtime.protocol.paths import GRPC_SERVICE_NAMES
from paddle_serving_runtime.protocol.pipeline import messages as pipeline_messages
from paddle_serving_runtime.supervisor.control.catalogue import Model, Tensor
from paddle_serving_runtime.supervisor.control.configuration import configuration
from paddle_serving_runtime.supervisor.control.health import Health
from paddle_serving_runtime.supervisor.control.state import NAME, NoModelError, State

Message = Any
"""An instance of a generated protobuf class."""

Context = Any
"""grpc.aio.ServicerContext, which comes without types."""

_MESSAGES = open_inference_messages.MESSAGES
_HEALTH = "grpc.health.v1.Health"
_MAX_REQUEST = 64 * 1024
_MAX_CALLS = 256


def grpc_server(state: State, socket: Path) -> grpc.aio.Server:
    """A server that is not started yet; methods that it does not have are UNIMPLEMENTED."""
    options = (("grpc.max_receive_message_length", _MAX_REQUEST),)
    server = grpc.aio.server(options=options, maximum_concurrent_rpcs=_MAX_CALLS)
    server.add_generic_rpc_handlers((_open_inference(OpenInference(state)),))
    health_pb2_grpc.add_HealthServicer_to_server(Health(state, GRPC_SERVICE_NAMES), server)
    names = (*GRPC_SERVICE_NAMES, _HEALTH, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server, pool=_descriptions())
    server.add_insecure_port(f"unix:{socket}")
    return server


class OpenInference:
    """What is told about the server and its models, but for ModelInfer and ModelStreamInfer."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def server_live(self, _request: Message, _context: Context) -> Message:
        """Whether requests can be taken at all."""
        return _MESSAGES["ServerLiveResponse"](live=self._state.live())

    async def server_ready(self, _request: Message, _context: Context) -> Message:
        """Whether requests are answered."""
        return _MESSAGES["ServerReadyResponse"](ready=self._state.ready())

    async def model_ready(self, request: Message, context: Context) -> Message:
        """Whether requests to a model are answered; NOT_FOUND where there is none."""
        await self._model(request, context)
        return _MESSAGES["ModelReadyResponse"](ready=self._state.ready())

    async def server_metadata(self, _request: Message, _context: Context) -> Message:
        """Name, version and extensions."""
        return _MESSAGES["ServerMetadataResponse"](
            name=NAME, version=self._state.version, extensions=self._state.extensions
        )

    async def model_metadata(self, request: Message, context: Context) -> Message:
        """Inputs and outputs of a model; NOT_FOUND where there is none."""
        model = await self._model(request, context)
        response = _MESSAGES["ModelMetadataResponse"](name=model.name, versions=[VERSION], platform=model.platform)
        _add(response.inputs, model.inputs)
        _add(response.outputs, model.outputs)
        return response

    async def model_config(self, request: Message, context: Context) -> Message:
        """The configuration of a model; NOT_FOUND where there is none."""
        return _MESSAGES["ModelConfigResponse"](config=configuration(await self._model(request, context)))

    async def model_statistics(self, request: Message, context: Context) -> Message:
        """What has been counted of a model, of every model where none is named; NOT_FOUND where there is none."""
        if request.name:
            await self._model(request, context)
        counted = await self._state.statistics(request.name, request.version)
        return _MESSAGES["ModelStatisticsResponse"](**counted)

    async def repository_index(self, request: Message, context: Context) -> Message:
        """The models and whether they are ready; there is one repository, without a name."""
        if request.repository_name:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "there is one repository, which has no name")
        return _MESSAGES["RepositoryIndexResponse"](models=self._state.index(only_ready=request.ready))

    async def _model(self, request: Message, context: Context) -> Model:
        try:
            return self._state.model(request.name, request.version)
        except NoModelError as error:
            await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
            raise AssertionError("abort always raises") from error


def _add(repeated: Message, tensors: tuple[Tensor, ...]) -> None:
    for tensor in tensors:
        repeated.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)


def _open_inference(methods: OpenInference) -> grpc.GenericRpcHandler:
    handlers: dict[str, Callable[[Message, Any], Awaitable[Message]]] = {
        "ServerLive": methods.server_live,
        "ServerReady": methods.server_ready,
        "ModelReady": methods.model_ready,
        "ServerMetadata": methods.server_metadata,
        "ModelMetadata": methods.model_metadata,
        "ModelConfig": methods.model_config,
        "ModelStatistics": methods.model_statistics,
        "RepositoryIndex": methods.repository_index,
    }
    return grpc.method_handlers_generic_handler(
        open_inference_messages.SERVICE_NAME,
        {
            name: grpc.unary_unary_rpc_method_handler(
                handler,
                request_deserializer=_MESSAGES[f"{name}Request"].FromString,
                response_serializer=_MESSAGES[f"{name}Response"].SerializeToString,
            )
            for name, handler in handlers.items()
        },
    )


def _descriptions() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in (pipeline_messages.FILE, open_inference_messages.FILE):
        pool.Add(file)
    for module in (health_pb2, reflection_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    return pool
