"""HAProxy in front of the workers: its configuration, its process, its admin socket."""

from paddle_serving_runtime.front.admin import Front, FrontError
from paddle_serving_runtime.front.config import FrontSettings, render
from paddle_serving_runtime.front.names import worker_name

__all__ = ["Front", "FrontError", "FrontSettings", "render", "worker_name"]
