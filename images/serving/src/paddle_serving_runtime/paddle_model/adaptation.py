"""What of Paddle Inference is left out for a program, because Paddle cannot run it or computes something else: pure.

Both sides of every comparison, the serving path and the reference, ask here, so they always compute alike. What was
seen: paddlepaddle 3.3.1 on CPU, models exported by it with paddle.jit.save, each layer against the same without oneDNN
(docs/compatibility.md has the table).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from paddle_serving_runtime.paddle_model.files import ModelFiles
from paddle_serving_runtime.paddle_model.openvino_fit import why_not
from paddle_serving_runtime.paddle_model.program import Operation, Program
from paddle_serving_runtime.paddle_model.switches import Switches

_BLOCKED = frozenset({"conv2d", "depthwise_conv2d", "conv3d", "conv2d_transpose", "fused_conv2d_add_act", "pool2d"})
"""Operations whose results oneDNN keeps in a layout of its own, in blocks of channels."""

_INTERPOLATIONS = frozenset({"nearest_interp", "bilinear_interp"})
_LEAKY = frozenset({"leaky_relu", "leaky_relu_"})
_CHANNELS_LAST = frozenset({"NHWC", "NDHWC"})
_ONEDNN_RANK = 6
_BOTH_ENDS = 4
"""Numbers of a padding that says beginning and end of both axes."""

_SEQUENCES = 3
"""Dimensions from which on a matrix product is one of many matrices."""


@dataclass(frozen=True)
class Adaptation:
    """The switches that a model runs with, and a sentence for everything that its owner should know."""

    switches: Switches
    warnings: tuple[str, ...]


def adapt(files: ModelFiles, program: Program, switches: Switches) -> Adaptation:
    """How to run this program where `switches` are asked for; adapting twice changes nothing more."""
    warnings = tuple(_read_directly(files, program))
    if switches.backend == "OpenVINO" and (reason := why_not(files, program, switches)):
        switches = replace(switches, backend="Default")
        warnings = (*warnings, f"{files.program.name} runs without Paddle's OpenVINO engine: {reason}.")
    if switches.backend == "NewExecutor" and (files.is_pir or switches.device != "cpu"):
        switches = replace(switches, backend="Default")  # the JSON form has no other executor
    switches = replace(switches, without_passes=tuple(_without_passes(files, program)))
    if not switches.onednn or switches.device != "cpu":
        return Adaptation(switches, warnings)
    if any(port.dtype == "str" for port in program.feeds):
        return Adaptation(replace(switches, onednn=False), warnings)  # Paddle fails at the first request with both
    if reasons := [*_in_both_forms(program), *(_in_json_form if files.is_pir else _in_old_form)(program)]:
        sentence = (
            f"{files.program.name} runs without oneDNN, as with --onednn false (engine.oneDNN: false), because oneDNN "
            f"in Paddle {'; it '.join(reasons)}."
        )
        return Adaptation(replace(switches, onednn=False), (*warnings, sentence))
    return Adaptation(switches, warnings)


def _without_passes(files: ModelFiles, program: Program) -> Iterator[str]:
    """Passes that only make a program faster, and cannot load this one or lose an output of it."""
    kinds = {operation.kind for operation in program.operations}
    if len(program.fetches) > 1:
        # two outputs that the same operation computes become one, and the other has no name any more
        yield "common_subexpression_elimination_pass"
    if files.is_pir and kinds & _BLOCKED and kinds & _LEAKY:
        # it reads negative_slope as a float, and it is a double
        yield "conv_activation_onednn_fuse_pass"
    if files.is_pir and kinds & _BLOCKED and "concat" in kinds:
        # it looks for an attribute that a convolution does not have: NotFound, fuse_activation
        yield "conv_concat_activation_onednn_fuse_pass"


def _in_both_forms(program: Program) -> Iterator[str]:
    """Why Paddle 3.3.1 cannot run a program with oneDNN, whatever its form; nothing where it can."""
    if any(operation.kind == "pad" for operation in program.operations):
        yield "cannot be relied on in pad"
    if any(rank > _ONEDNN_RANK for rank in program.ranks.values()):
        yield f"has no tensors of more than {_ONEDNN_RANK} dimensions"
    if any(operation.attributes.get("data_format") in _CHANNELS_LAST for operation in program.operations):
        yield "cannot be relied on where channels are the last axis (data_format NHWC)"
    if any(map(_averages_more_at_the_end, program.operations)):
        yield "counts what is padded at the end (avg_pool2d, exclusive=False), which the framework does not"


def _in_json_form(program: Program) -> Iterator[str]:
    """The same for what is wrong with Paddle 3's JSON form alone.

    Leaving out onednn_placement_pass, which would keep oneDNN for convolutions, mends the first of these, but then
    softmax over channels and products of feature maps are wrong, which were right before.
    """
    kinds = {operation.kind for operation in program.operations}
    blocked = bool(kinds & _BLOCKED)
    if found := sorted(kinds & _INTERPOLATIONS):
        # paddle/fluid/framework/new_executor/instruction/onednn/onednn_instruction.cc:116, Paddle issue 77340
        yield f"cannot read the scale of {found[0]} (the first request fails: ConvertPirAttribute2RuntimeAttribute)"
    if any(_normalizes_several_axes(operation, program) for operation in program.operations):
        yield "has no layer_norm over more than the last axis"
    if blocked and any(_multiplies_sequences(operation, program) for operation in program.operations):
        # tensors in blocked layout are read as if they were not: attention or linear layers on feature maps
        yield "computes wrong products (matmul) of what convolution or pooling gives"


def _in_old_form(program: Program) -> Iterator[str]:
    """The same for what is wrong with the form of Paddle 1 and 2 alone."""
    if any(operation.kind == "clip" and len(operation.inputs) > 1 for operation in program.operations):
        yield "does not see the limits of clip that are tensors"


def _averages_more_at_the_end(operation: Operation) -> bool:
    """Whether an average counts padding, and there may be more of it at the end: ceil_mode adds to it too.

    See findings/paddle-onednn-average-at-the-end.sh.
    """
    said = operation.attributes
    if operation.kind != "pool2d" or said.get("pooling_type") != "avg" or said.get("exclusive", True):
        return False
    paddings = said.get("paddings") or []
    uneven = len(paddings) == _BOTH_ENDS and paddings[::2] != paddings[1::2]
    return bool(said.get("ceil_mode")) or said.get("padding_algorithm") == "SAME" or uneven


def _normalizes_several_axes(operation: Operation, program: Program) -> bool:
    if operation.kind != "layer_norm":
        return False
    rank = program.ranks.get(operation.outputs[0], 0) if operation.outputs else 0
    return bool(operation.attributes.get("begin_norm_axis") != rank - 1)


def _multiplies_sequences(operation: Operation, program: Program) -> bool:
    ranks = (program.ranks.get(value, 0) for value in operation.inputs)
    return operation.kind == "matmul" and any(rank >= _SEQUENCES for rank in ranks)


def _read_directly(files: ModelFiles, program: Program) -> Iterator[str]:
    inputs = {port.name for port in program.feeds}
    for output, origin in program.direct.items():
        kind = "input" if origin in inputs else "parameter"
        yield (
            f"{files.program.name}: the output {output!r} is the {kind} {origin!r} itself; nothing computes it. Paddle "
            f"saves an output such as `{kind} + 1.0` like this: if the model in the framework answers something else, "
            f"let it return `paddle.add({kind}, paddle.full([1], 1.0))` or the like, and export it again."
        )
