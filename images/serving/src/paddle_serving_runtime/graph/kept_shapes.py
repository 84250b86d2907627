"""For how many shapes of inputs a worker keeps what oneDNN has prepared. Pure.

Paddle 3.3.1 keeps it for ten (mkldnn_cache_capacity in Config.summary), of all models of a process together, as they
share one oneDNN context, and drops any of them for the next: where eleven come in turn, some are prepared anew for
every run, which may take twice as long. Under Paddle Serving an Op that is a process has ten shapes of its own.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from paddle_serving_runtime.graph.node import Node
from paddle_serving_runtime.paddle_model.warmup import WarmShape

OF_A_MODEL = 10
"""What a model has that is alone in its process. Source: Config.summary of Paddle 3.3.1."""


PROVED_SHAPES = 4
"""Shapes of golden samples whose shared runs have room. Most models have samples of one or two.

With more of them each would have little use of its room, and other shapes would take memory there.
"""


class Named(NamedTuple):
    """What is computed before the first request.

    `shapes` were named. Of the shapes of the `golden` samples `sizes` numbers of rows are tried (0: none), so that
    requests may share runs of those; where an Op has a batch_size that holds instead.
    """

    shapes: Sequence[WarmShape] = ()
    golden: int = 0
    sizes: int = 0


NOTHING = Named()


def keeping(nodes: Sequence[Node], named: Named) -> list[Node]:
    """The nodes, each that oneDNN computes with room for the shapes that all have by themselves and for the named ones.

    A model whose Op says how many (mkldnn_cache_capacity in config.yml) counts with that in place of ten. What is kept
    takes memory, weights in oneDNN's layout among it, and what nobody has named takes any room that there is.
    """
    preparing = [node for node in nodes if _prepares(node)]
    room = sum(map(_own, preparing)) + len(named.shapes) + _together(preparing, named)
    return [replace(node, kept_shapes=room if _prepares(node) else 0) for node in nodes]


def _prepares(node: Node) -> bool:
    return node.model_dir is not None and node.switches.onednn and node.switches.backend != "OpenVINO"


def _own(node: Node) -> int:
    return node.kept_shapes if node.kept_shapes > 0 else OF_A_MODEL


def _together(nodes: Sequence[Node], named: Named) -> int:
    """How many numbers of rows, at most, are computed beside the shapes themselves."""
    single = [shape for shape in named.shapes if all(sizes[:1] == (1,) for sizes in shape.inputs.values())]
    rows = {node.name: node.batch_size for node in nodes}
    most = max(rows.values(), default=1)
    if most == 1:
        of_samples = min(named.golden, PROVED_SHAPES) * len(nodes)
        return named.sizes * max(of_samples, min(len(single), named.golden))
    return sum(rows.get(shape.model, most) - 1 for shape in single)
