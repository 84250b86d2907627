"""What clients may ask about the service without a worker: health, readiness, metadata, reflection."""

from paddle_serving_runtime.supervisor.control.control import GRPC_SOCKET, HTTP_SOCKET, Control, start_control
from paddle_serving_runtime.supervisor.control.state import State

__all__ = ["GRPC_SOCKET", "HTTP_SOCKET", "Control", "State", "start_control"]
