"""Exports an image classifier of Paddle's own collection with fixed weights: NAME FOLDER.

As .pdmodel where the environment has FLAGS_enable_pir_api=0.
"""

from __future__ import annotations

import sys
from pathlib import Path

import paddle
from paddle.vision import models

MAKERS = {"mobilenetv3": models.mobilenet_v3_small, "resnet50": models.resnet50}


def export(name: str, folder: Path) -> None:
    """Writes inference.pdmodel and inference.pdiparams."""
    paddle.seed(0)
    network = MAKERS[name]()
    network.eval()
    spec = paddle.static.InputSpec([None, 3, None, None], "float32", "x")
    traced = paddle.jit.to_static(network, input_spec=[spec], full_graph=True)
    paddle.jit.save(traced, str(folder / "inference"))


if __name__ == "__main__":
    export(sys.argv[1], Path(sys.argv[2]))
