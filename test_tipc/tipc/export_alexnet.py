"""Exports AlexNet with fixed random weights: python3 test_tipc/tipc/export_alexnet.py FOLDER. Safe to run again.

Its trained weights cannot be had from a package index, and a serving test needs none: it compares two ways of running
the same network.
"""

import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

SEED = 20240229
CLASSES = 1000
SIZE = 224
BIAS_WIDTH = 0.05
FILES = ("inference.pdmodel", "inference.pdiparams")


def fixed_weights(model: Any) -> dict[str, Any]:  # noqa: ANN401 - paddle has no types
    """float32 weights by name, the same bits on every machine.

    RandomState's uniform stream is frozen by numpy and needs no transcendental function, unlike its normal one. The
    width sqrt(6 / fan_in) keeps the activations' size from layer to layer (He et al. 2015).
    """
    stream = np.random.RandomState(SEED)
    weights = {}
    for name, parameter in model.state_dict().items():
        width = np.sqrt(6 / fan_in(parameter.shape)) if len(parameter.shape) > 1 else BIAS_WIDTH
        weights[name] = ((stream.random_sample(parameter.shape) * 2 - 1) * width).astype(np.float32)
    return weights


def fan_in(shape: list[int]) -> int:
    """Inputs of one unit: paddle keeps a convolution as [out, in, h, w] and a linear layer as [in, out]."""
    return math.prod(shape[1:]) if len(shape) == 4 else shape[0]  # noqa: PLR2004 - the rank of a convolution


def export(folder: Path) -> None:
    """Writes inference.pdmodel and inference.pdiparams into `folder`; both appear complete or not at all."""
    import paddle  # noqa: PLC0415 - only where there is something to export

    model = paddle.vision.models.alexnet(num_classes=CLASSES)
    model.set_state_dict(fixed_weights(model))
    network = paddle.nn.Sequential(model, paddle.nn.Softmax())
    network.eval()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as made:
        spec = paddle.static.InputSpec([None, 3, SIZE, SIZE], "float32", name="inputs")
        paddle.jit.save(network, str(Path(made) / "inference"), input_spec=[spec])
        for name in reversed(FILES):
            (Path(made) / name).replace(folder / name)


def main() -> int:
    """Exit status 1 with a sentence where paddle is not here."""
    folder = Path(sys.argv[1])
    if all((folder / name).exists() for name in FILES):
        print(f"{folder}: there already")
        return 0
    # Before paddle is imported: the format that both Paddle 2 and Paddle 3 read.
    os.environ["FLAGS_enable_pir_api"] = "0"  # noqa: SIM112 - paddle spells it so
    try:
        export(folder)
    except ImportError as error:
        print(f"{error}: exporting AlexNet needs paddle; run this in the serving image", file=sys.stderr)
        return 1
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
