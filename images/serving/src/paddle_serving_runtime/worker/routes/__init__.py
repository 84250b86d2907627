"""From an HTTP request to the engine and back, for every protocol that a worker speaks."""

from paddle_serving_runtime.worker.routes.handler import make_handler

__all__ = ["make_handler"]
