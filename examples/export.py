"""Exports a network with fixed random weights: python3 examples/export.py NETWORK.py FOLDER. build.py calls it.

NETWORK.py has `network()`, which makes a paddle layer, and INPUTS, {name: (shape, type)}. Its SCALES, {end of a
weight's name: factor}, are for networks whose answers would be 0 and 1 otherwise.

Trained weights of these networks are in no package index, and a serving test needs none: it compares two ways of
running the same network. The same two files come out on every machine.
"""

import importlib.util
import math
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

SEED = 20240229
SMALL = 0.05
CONVOLUTION = 4  # its rank
PROGRAM, PARAMETERS = "inference.pdmodel", "inference.pdiparams"


def fixed_weights(layer, scales):
    """float32 weights by name, the same bits on every machine.

    RandomState's uniform stream is frozen by numpy and needs no transcendental function, unlike its normal one. The
    width sqrt(6 / fan_in) keeps the activations' size from layer to layer (He et al. 2015). Scales and variances of
    normalizations are near 1, biases and means near 0.
    """
    stream = np.random.RandomState(SEED)
    weights = {}
    for name, parameter in layer.state_dict().items():
        matrix = len(parameter.shape) > 1
        width = np.sqrt(6 / fan_in(parameter.shape)) if matrix else SMALL
        centre = 1 if not matrix and name.endswith(("weight", "_variance")) else 0
        scale = next((scale for end, scale in scales.items() if name.endswith(end)), 1)
        values = (centre + (stream.random_sample(parameter.shape) * 2 - 1) * width) * scale
        weights[name] = values.astype(np.float32)
    return weights


def fan_in(shape):
    """Inputs of one unit: paddle keeps a convolution as [out, in, h, w] and a linear layer as [in, out]."""
    return math.prod(shape[1:]) if len(shape) == CONVOLUTION else shape[0]


def without_callstacks(program):
    """The program without the file names and lines of the export, which differ from machine to machine."""
    from paddle.base.core import ProgramDesc  # noqa: PLC0415 - after the flag that main() sets

    parsed = ProgramDesc(program)
    for block in map(parsed.block, range(parsed.num_blocks())):
        for operation in map(block.op, range(block.op_size())):
            operation.remove_attr("op_callstack")
    return parsed.serialize_to_string()


def export(source, folder):
    """Writes PROGRAM and PARAMETERS into `folder`; both appear complete."""
    import paddle  # noqa: PLC0415 - after the flag that main() sets

    description = importlib.util.spec_from_file_location("network", source)
    module = importlib.util.module_from_spec(description)
    description.loader.exec_module(module)
    layer = module.network()
    layer.set_state_dict(fixed_weights(layer, getattr(module, "SCALES", {})))
    layer.eval()
    inputs = [paddle.static.InputSpec(shape, kind, name=name) for name, (shape, kind) in module.INPUTS.items()]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as made:
        paddle.jit.save(layer, str(Path(made) / "inference"), input_spec=inputs)
        program = Path(made) / PROGRAM
        program.write_bytes(without_callstacks(program.read_bytes()))
        for name in (PARAMETERS, PROGRAM):
            (Path(made) / name).replace(folder / name)


def main():
    """Exit status 1 with a sentence where paddle is not here."""
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    # Before paddle is imported: the format that both Paddle 2 and Paddle 3 read. It costs some functions, see
    # findings/paddle-old-program-methods.sh.
    os.environ["FLAGS_enable_pir_api"] = "0"  # noqa: SIM112 - paddle spells it so
    try:
        export(source, folder)
    except ImportError as error:
        sys.exit(f"{error}: exporting a network needs paddle: serving image, or `make setup`")


if __name__ == "__main__":
    main()
