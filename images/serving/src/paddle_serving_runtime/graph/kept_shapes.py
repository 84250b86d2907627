"""For how many shapes of inputs a process keeps what oneDNN has prepared. Pure.

Paddle 3.3.1 keeps it for ten (mkldnn_cache_capacity in Config.summary), of all models of a process together, as they
share one oneDNN context, and drops any of them for the next: where eleven come in turn, every run prepares anew and may
take twice as long. Under Paddle Serving each Op has a process, and ten shapes, of its own.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import NamedTuple

from paddle_serving_runtime.graph.node import Node

OF_A_MODEL = 10
"""What a model has that is alone in its process. Source: Config.summary of Paddle 3.3.1."""

KERNELS_VARIABLE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
"""Read by oneDNN when it prepares the first kernel. Source: oneDNN, Primitive Cache."""

_KERNELS = 1024
"""What oneDNN keeps by itself, of all models and shapes; about a hundred of them are for one shape of a model."""


class Named(NamedTuple):
    """Shapes that are computed before the first request, and with how many numbers of rows beside the shape's own."""

    shapes: int = 0
    sizes: int = 0


NONE = Named()


def keeping(nodes: Sequence[Node], named: Named) -> list[Node]:
    """The nodes, each model with room for the shapes that all have by themselves and for those that were named.

    A model whose Op says how many (mkldnn_cache_capacity in config.yml) counts with that in place of ten. What is kept
    takes memory, weights in oneDNN's layout among it: so there is no room that nobody has asked for.
    """
    models = [node for node in nodes if node.model_dir is not None]
    sizes = max([named.sizes, *(node.batch_size - 1 for node in models)])
    room = named.shapes * (1 + sizes) + sum(_own(node) for node in models)
    return [
        replace(node, switches=replace(node.switches, kept_shapes=room)) if node.model_dir is not None else node
        for node in nodes
    ]


def kernels(nodes: Sequence[Node]) -> int:
    """How many kernels oneDNN has to keep for as many shapes as these nodes do, in proportion to those of ten shapes.

    What Paddle keeps for a shape is not all: pooling, sums and reorders come from oneDNN's own memory at every run.
    """
    room = max((node.switches.kept_shapes for node in nodes), default=0)
    return _KERNELS * max(1, ceil(room / OF_A_MODEL))


def _own(node: Node) -> int:
    return node.switches.kept_shapes if node.switches.kept_shapes > 0 else OF_A_MODEL
