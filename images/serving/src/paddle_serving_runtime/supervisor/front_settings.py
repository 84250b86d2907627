from pathlib import Path

from paddle_serving_runtime.front import FrontSettings
from paddle_serving_runtime.front.access import Access
from paddle_serving_runtime.supervisor.control import GRPC_SOCKET, HTTP_SOCKET
from paddle_serving_runtime.supervisor.launch import worker_socket
from paddle_serving_runtime.supervisor.settings import ServeSettings
from paddle_serving_runtime.supervisor.streams import STREAMS_SOCKET

FRONT_GRPC_SOCKET = "front-grpc.sock"


def front_settings(settings: ServeSettings, folder: Path, pod: str, access: Access, *, detailed: bool) -> FrontSettings:
    """The settings of the front in `folder`; `pod` is what this pod calls itself where it asks others, else empty."""
    return FrontSettings(
        port=settings.http_port,
        grpc_port=settings.grpc_port,
        workers=tuple(worker_socket(folder, index) for index in range(settings.workers)),
        rows=settings.batching.max_rows,
        control=folder / HTTP_SOCKET,
        control_grpc=folder / GRPC_SOCKET,
        streams=folder / STREAMS_SOCKET,
        grpc=folder / FRONT_GRPC_SOCKET,
        admin_socket=folder / "front.sock",
        error_folder=folder / "errors",
        queue=settings.queue,
        request_timeout=settings.request_timeout,
        max_body_bytes=settings.max_body_bytes,
        pod=pod,
        detailed=detailed,
        access=access,
    )
