"""Runs a graph of Ops in this process, one request at a time."""

from paddle_serving_runtime.engine.direct import DirectEngine
from paddle_serving_runtime.engine.failure import OpFailed

__all__ = ["DirectEngine", "OpFailed"]
