"""Whether the files of a model belong together and are whole."""

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.paddle_model.files import ModelFiles
from paddle_serving_runtime.paddle_model.parameters import StoredTensor, stored_tensors
from paddle_serving_runtime.paddle_model.program import VOCABULARY, Parameter, Program
from paddle_serving_runtime.words import counted

_AGAIN = "Copy both files again from where the model was exported."


def check_model(files: ModelFiles, program: Program) -> None:
    """Returns when the program has all of its parameters, each of the type and shape that it says.

    Raises ModelInvalid naming the file and the tensor.
    """
    if files.params is not None:
        _check_combined(files.params, files.program, program.parameters)
        return
    separate = {parameter: files.program.parent / parameter.name for parameter in program.parameters}
    if separate and files.program.suffix and not any(path.is_file() for path in separate.values()):
        raise ModelInvalid(
            f"{files.program.with_suffix('.pdiparams')} is missing; {files.program.name} needs its parameters."
        )
    for parameter, path in separate.items():
        _check_separate(path, files.program, parameter)


def _check_combined(path: Path, program: Path, parameters: Sequence[Parameter]) -> None:
    """A file of all parameters has no names: Paddle takes its tensors in the order of the names in the program."""
    found = stored_tensors(path)
    expected = sorted(parameters, key=lambda parameter: parameter.name.encode())
    if len(found) != len(expected):
        raise ModelInvalid(
            f"{path} holds {counted(len(found), 'tensor')}, but {program.name} has "
            f"{counted(len(expected), 'parameter')}"
            f"{_first_misfit(found, expected)}. {_AGAIN}"
        )
    for parameter, tensor in zip(expected, found, strict=True):
        _require_same(path, program, parameter, tensor)


def _first_misfit(found: Sequence[StoredTensor], expected: Sequence[Parameter]) -> str:
    """The first place where the two lists, which are not equally long, differ."""
    for parameter, tensor in zip_longest(expected, found):
        if parameter is None:
            return f"; the first that is too many is {_text(tensor)}"
        if tensor is None or not _fits(parameter, tensor):
            return f"; the first that is missing, or another, is {parameter.name!r}, {_text(parameter)}"
    return ""


def _check_separate(path: Path, program: Path, parameter: Parameter) -> None:
    if not path.is_file():
        raise ModelInvalid(f"{path} is missing; {program.name} names it as a parameter.")
    found = stored_tensors(path)
    if len(found) != 1:
        raise ModelInvalid(f"{path} does not hold exactly one tensor. Copy the file again.")
    _require_same(path, program, parameter, found[0])


def _require_same(path: Path, program: Path, parameter: Parameter, tensor: StoredTensor) -> None:
    if not _fits(parameter, tensor):
        raise ModelInvalid(
            f"{path} does not belong to {program.name}: the parameter {parameter.name!r} is {_text(tensor)} in the "
            f"file, but {_text(parameter)} in the program. {_AGAIN}"
        )


def _fits(parameter: Parameter, tensor: StoredTensor) -> bool:
    return (
        parameter.dtype == tensor.dtype
        and len(parameter.shape) == len(tensor.shape)
        and all(want in (-1, size) for want, size in zip(parameter.shape, tensor.shape, strict=True))
    )


def _text(tensor: Parameter | StoredTensor) -> str:
    return "a vocabulary" if tensor.dtype == VOCABULARY else f"{tensor.dtype} {list(tensor.shape)}"
