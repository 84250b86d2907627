"""The values of a pipeline response as arrays."""

import ast
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Answer = Mapping[str, NDArray[Any]]
"""Tensors by name; text is an array of str."""

_MAX_PYTHON_LITERAL = 4 << 20
_EXACT_IN_FLOAT = 2**53
_PAST_INT64 = 2**63
_CONSTANTS = {
    "true": True,
    "false": False,
    "nan": float("nan"),
    "NaN": float("nan"),
    "inf": float("inf"),
    "Infinity": float("inf"),
}
_CALLS = ("array", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "str_", "bool_", "bool")


def values_to_answer(values: Mapping[str, str | NDArray[Any]]) -> Answer:
    """Arrays by name from the values of a response.

    An array stays as it is. A text that is a JSON or Python literal (a number, a string, nested lists of either, the
    repr of an ndarray or of a numpy scalar) becomes an array of int64 (uint64 where one needs it), float64, bool or
    str. A literal that mixes text and numbers, or is ragged, becomes `name` (0-d, its structure), `name.numbers` and
    `name.texts` (1-d, in order), so that the numbers can be compared with a tolerance. An integer beside floats of
    which float64 would change a digit counts as text. Any other text becomes a 0-d array of str. Nothing is evaluated.
    """
    answer: dict[str, NDArray[Any]] = {}
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            answer[name] = value
        else:
            answer.update(_from_text(name, value))
    return answer


def to_answer(values: Mapping[str, Any]) -> Answer:
    """Arrays by name from JSON values, with the same rules; a str is read as a response's text would be.

    Raises OverflowError for an integer of more than 64 bits, RecursionError for a value nested too deeply.
    """
    answer: dict[str, NDArray[Any]] = {}
    for name, value in values.items():
        answer.update(_from_text(name, value) if isinstance(value, str) else _from_literal(name, value))
    return answer


class _NotALiteralError(Exception):
    pass


def _from_text(name: str, text: str) -> dict[str, NDArray[Any]]:
    try:
        literal = _parse(text)
    except (_NotALiteralError, ValueError, SyntaxError, RecursionError, MemoryError, OverflowError):
        return {name: np.array(text)}
    try:
        return _from_literal(name, literal)
    except (RecursionError, OverflowError):
        return {name: np.array(text)}


def _from_literal(name: str, literal: object) -> dict[str, NDArray[Any]]:
    leaves = list(_leaves(literal))
    if any(isinstance(leaf, float) for leaf in leaves) and any(map(_is_changed_by_float, leaves)):
        literal = _with_exact_integers(literal)
        leaves = list(_leaves(literal))
    kinds = {_kind(leaf) for leaf in leaves}
    if len(kinds) <= 1 and "other" not in kinds and (shape := _shape(literal)) is not None:
        return {name: _array(leaves, kinds.pop() if kinds else "number").reshape(shape)}
    numbers = [leaf for leaf in leaves if _kind(leaf) == "number"]
    texts = [leaf for leaf in leaves if _kind(leaf) == "text"]
    return {
        name: np.array(_skeleton(literal)),
        f"{name}.numbers": _array(numbers, "number"),
        f"{name}.texts": _array(texts, "text"),
    }


def _parse(text: str) -> object:
    """The JSON or Python literal. Raises _NotALiteralError, or what the parsers raise."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    if len(text) > _MAX_PYTHON_LITERAL:  # a syntax tree takes a hundred times the text
        raise _NotALiteralError
    return _evaluate(ast.parse(text.strip(), mode="eval").body)


def _evaluate(node: ast.expr) -> object:
    match node:
        case ast.Constant(value=str() | bool() | int() | float() | None as value):
            return value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_evaluate(item) for item in items]
        case ast.Dict(keys=keys, values=values) if all(key is not None for key in keys):
            return {str(_evaluate(key)): _evaluate(value) for key, value in zip(keys, values, strict=True) if key}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            number = _evaluate(operand)
            if isinstance(number, int | float) and not isinstance(number, bool):
                return -number
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.Call(func=function, args=[first, *_]) if _called(function) in _CALLS:
            return _evaluate(first)
        case _:
            pass
    raise _NotALiteralError


def _called(function: ast.expr) -> str:
    """The name in array(...) and np.float32(...)."""
    match function:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name):
            return name
        case _:
            return ""


def _leaves(literal: object) -> Iterator[object]:
    if isinstance(literal, list):
        for item in literal:
            yield from _leaves(item)
    elif isinstance(literal, dict):
        for item in literal.values():
            yield from _leaves(item)
    else:
        yield literal


def _is_changed_by_float(leaf: object) -> bool:
    return isinstance(leaf, int) and abs(leaf) > _EXACT_IN_FLOAT


def _with_exact_integers(literal: object) -> object:
    """The literal with its large integers as text: of two that differ in the last digit float64 makes one."""
    if isinstance(literal, list):
        return [_with_exact_integers(item) for item in literal]
    if isinstance(literal, dict):
        return {key: _with_exact_integers(value) for key, value in literal.items()}
    return str(literal) if _is_changed_by_float(literal) else literal


def _kind(leaf: object) -> str:
    if isinstance(leaf, bool):
        return "bool"
    if isinstance(leaf, int | float):
        return "number"
    return "text" if isinstance(leaf, str) else "other"


def _shape(literal: object) -> tuple[int, ...] | None:
    """The shape of regular nested lists; None for ragged ones and for mappings."""
    if isinstance(literal, dict):
        return None
    if not isinstance(literal, list):
        return ()
    inner = {_shape(item) for item in literal}
    if len(inner) > 1 or None in inner:
        return None
    return (len(literal), *(inner.pop() or () if inner else ()))


def _array(leaves: list[Any], kind: str) -> NDArray[Any]:
    if kind == "text":
        return np.array(leaves, dtype=np.str_)
    if kind == "bool":
        return np.array(leaves, dtype=np.bool_)
    if all(isinstance(leaf, int) for leaf in leaves) and leaves:
        return np.array(leaves, dtype=np.int64 if max(leaves) < _PAST_INT64 else np.uint64)
    return np.array(leaves, dtype=np.float64)


def _skeleton(literal: object) -> str:
    """The literal with every number and text taken out."""
    if isinstance(literal, list):
        return f"[{', '.join(map(_skeleton, literal))}]"
    if isinstance(literal, dict):
        return f"{{{', '.join(f'{key}: {_skeleton(value)}' for key, value in literal.items())}}}"
    kind = _kind(literal)
    return {"number": "<number>", "text": "<text>"}.get(kind, str(literal))
