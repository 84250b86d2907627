"""A user's service as a graph of Ops, without the server that usually runs it."""

from paddle_serving_runtime.graph.kept_shapes import Named
from paddle_serving_runtime.graph.load import load
from paddle_serving_runtime.graph.node import REQUEST, Graph, Node

__all__ = ["REQUEST", "Graph", "Named", "Node", "load"]
