"""Runs a graph of Ops in this process."""

from paddle_serving_runtime.engine.direct import DirectEngine
from paddle_serving_runtime.engine.failure import OpFailed
from paddle_serving_runtime.engine.interface import Engine, ModelDescription, TensorDescription

__all__ = ["DirectEngine", "Engine", "ModelDescription", "OpFailed", "TensorDescription"]
