"""A user's service as a graph of Ops, without the server that usually runs it."""

from paddle_serving_runtime.graph.kept_shapes import NOTHING, Named
from paddle_serving_runtime.graph.load import load
from paddle_serving_runtime.graph.node import REQUEST, Graph, Node

__all__ = ["NOTHING", "REQUEST", "Graph", "Named", "Node", "load"]
