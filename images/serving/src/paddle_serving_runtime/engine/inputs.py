"""What a plain model accepts: pure."""

from collections.abc import Collection, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.paddle_model.prototxt import NOTHING_FIXED, ModelConf, Variable
from paddle_serving_runtime.protocol import BadRequest, ErrorCode
from paddle_serving_runtime.protocol.numbers import from_text
from paddle_serving_runtime.words import counted

EmptyAxes = frozenset[tuple[str, int]]
"""The axes of length 0 among the inputs of a request, each as (input, axis); inputs have the model's aliases."""

_Form = tuple[tuple[str, np.dtype[Any], tuple[int, ...]], ...]
_MOST_FORMS = 1024
"""Clients choose shapes: what is remembered of them must end somewhere."""


def empty_axes(inputs: Mapping[str, str | NDArray[Any]]) -> EmptyAxes:
    """Those of a request."""
    arrays = {name: value for name, value in inputs.items() if isinstance(value, np.ndarray)}
    return frozenset(
        (name, axis) for name, value in arrays.items() for axis, size in enumerate(value.shape) if not size
    )


def check_inputs(
    conf: ModelConf,
    shapes: Mapping[str, tuple[int, ...]],
    inputs: Mapping[str, str | NDArray[Any]],
    shown: Collection[EmptyAxes] = (),
) -> dict[str, NDArray[Any]]:
    """The arrays to feed, by alias, batch dimension included; `shapes` are those of the program, by its own names.

    Text is accepted for an input of text, and for one whose shape the prototxt fixes: numbers separated by commas that
    fill the shape once or more. Inputs without rows are taken where they are `shown`, by a golden sample: not every
    model can compute them. Raises BadRequest (err_no 5000) naming the input where names, type, rank or shape differ.
    """
    expected = {variable.alias: variable for variable in conf.feeds}
    names = {name.removesuffix(".lod") for name in inputs}
    if names != expected.keys():
        raise _refusal(f"the inputs are {_listed(names)}, but the model's are {_listed(expected)}")
    arrays = {name: _checked(expected.get(name), name, value) for name, value in inputs.items()}
    for variable in conf.feeds:
        _check_shape(variable, shapes.get(variable.name), arrays.get(variable.alias))
    empty = empty_axes({name: array for name, array in arrays.items() if name in expected})
    if empty and empty not in shown:
        name, _ = min(empty)
        raise _refusal(
            f"input {name} has shape {list(arrays[name].shape)}, which holds nothing, and the service has no golden "
            "sample like that"
        )
    for name in arrays.keys() - expected.keys():
        owner = name.removesuffix(".lod")
        if not expected[owner].is_lod:
            raise _refusal(f"input {name} is not known: input {owner} of the model has no LoD")
        arrays[name] = check_lod(name, arrays[name], arrays.get(owner))
    return arrays


class InputCheck:
    """check_inputs for one model.

    It remembers the names, types and shapes that were accepted, as long as nothing else was to be checked: most
    requests are like one before.
    """

    def __init__(
        self, conf: ModelConf, shapes: Mapping[str, tuple[int, ...]], shown: Collection[EmptyAxes] = ()
    ) -> None:
        self._conf = conf
        self._shapes = shapes
        self._shown = shown
        self._accepted: set[_Form] = set()

    def __call__(self, inputs: Mapping[str, str | NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """As check_inputs."""
        form = _form(inputs)
        if form in self._accepted:
            return dict(inputs)  # type: ignore[arg-type]  # without text
        arrays = check_inputs(self._conf, self._shapes, inputs, self._shown)
        if form is not None and len(self._accepted) < _MOST_FORMS:
            self._accepted.add(form)
        return arrays


def _form(inputs: Mapping[str, str | NDArray[Any]]) -> _Form | None:
    """Names, types and shapes; None where more than these is checked: text, and offsets of sequences."""
    form = []
    for name, value in inputs.items():
        if isinstance(value, str) or name.endswith(".lod"):
            return None
        form.append((name, value.dtype, value.shape))
    return tuple(form)


def check_lod(name: str, lod: NDArray[Any], value: NDArray[Any] | None) -> NDArray[Any]:
    """The LoD of `value` in one dimension: the offsets of its sequences in axis 0, from 0 to its length.

    Raises BadRequest (err_no 5000) for anything else: Paddle 3.3.1 does not compare them with the rows itself.
    """
    rows = value.shape[0] if value is not None and value.ndim else 0
    offsets = lod.ravel()
    if not len(offsets) or lod.dtype.kind not in "iu" or offsets[0] != 0 or offsets[-1] != rows:
        raise _refusal(f"input {name} must be offsets from 0 to {rows}, the number of rows of its input")
    if (offsets[1:] < offsets[:-1]).any():
        raise _refusal(f"input {name} must be offsets that never decrease")
    return offsets


def _checked(variable: Variable | None, name: str, value: str | NDArray[Any]) -> NDArray[Any]:
    if isinstance(value, str):
        if variable is None:
            raise _refusal(f"input {name} must be a tensor")
        return np.array([value]) if variable.dtype.kind == "U" else _parsed(variable, value)
    if variable is None:  # the LoD of an input
        return value
    if value.dtype != variable.dtype and not value.dtype.kind == variable.dtype.kind == "U":
        raise _refusal(f"input {name} has type {value.dtype}, but the model's is {variable.dtype}")
    return value


def _check_shape(variable: Variable, program: tuple[int, ...] | None, value: NDArray[Any] | None) -> None:
    if value is None:
        return
    has = f"input {variable.alias} has shape {list(value.shape)}"
    if program is not None and not _agrees(value.shape, program):
        raise _refusal(f"{has}, but the model's is {list(program)}")
    if not variable.is_lod and program != () and not _fits(value.shape, variable.shape):
        raise _refusal(f"{has}, but the model's is {list(variable.shape)} after the batch")


def _parsed(variable: Variable, text: str) -> NDArray[Any]:
    size = prod(variable.shape)
    if variable.is_lod or size < 1 or -1 in variable.shape:
        raise _refusal(f"input {variable.alias} has no fixed shape: send it as a tensor, not as text")
    try:
        values = from_text(text, variable.dtype)
    except ValueError as error:
        raise _refusal(f"input {variable.alias}: {error}") from None
    if len(values) % size:
        raise _refusal(
            f"input {variable.alias}: {counted(len(values), 'number')} cannot fill the shape {list(variable.shape)}"
        )
    return values.reshape(-1, *variable.shape)


def _agrees(actual: tuple[int, ...], program: tuple[int, ...]) -> bool:
    return len(actual) == len(program) and all(want in (-1, dim) for dim, want in zip(actual, program, strict=True))


def _fits(actual: tuple[int, ...], declared: tuple[int, ...]) -> bool:
    """Whether a shape agrees with the declared one, which has no batch.

    A prototxt also leaves out every other dimension that is not fixed, so there the rank is not known; where -1
    stands for them it is. A program with a fixed batch has it in its prototxt, so the whole shape may be equal too.
    """
    if declared in NOTHING_FIXED:
        return len(actual) > 0
    if -1 in declared:
        pairs = zip(actual[1:], declared, strict=False)
        return len(actual) == len(declared) + 1 and all(want in (-1, dim) for dim, want in pairs)
    return (actual == declared and len(declared) > 1) or _is_subsequence(declared, actual[1:])


def _is_subsequence(wanted: Sequence[int], within: Sequence[int]) -> bool:
    rest = iter(within)
    return all(dim in rest for dim in wanted)


def _listed(names: object) -> str:
    return ", ".join(sorted(names)) or "none"  # type: ignore[call-overload]


def _refusal(message: str) -> BadRequest:
    return BadRequest(message, ErrorCode.INPUT_PARAMS_ERROR)
