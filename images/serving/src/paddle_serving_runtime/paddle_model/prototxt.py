"""serving_server_conf.prototxt: the names, types and shapes of a model's inputs and outputs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format

from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.message_tables import proto2_classes
from paddle_serving_runtime.paddle_model.files import find_model_files
from paddle_serving_runtime.paddle_model.program import Port, Program, read_program
from paddle_serving_runtime.words import counted

FILE_NAME = "serving_server_conf.prototxt"

# index = feed_type, fetch_type and elem_type of Paddle Serving 0.9.0
DTYPES = (
    "int64",
    "float32",
    "int32",
    "float64",
    "int16",
    "float16",
    "bfloat16",
    "uint8",
    "int8",
    "bool",
    "complex64",
    "complex128",
)
NOTHING_FIXED = ((1,), ())
"""Shapes in a prototxt that say nothing: it leaves out dimensions that are free, and writes 1 where none is left."""

STRING = 20
"""feed_type of text, the only one past DTYPES."""

_COMMON = [("name", 1, "string"), ("alias_name", 2, "string"), ("is_lod_tensor", 3, "bool")]
_MESSAGES = proto2_classes(
    "paddle_serving_configure",
    {
        "FeedVar": [*_COMMON, ("feed_type", 4, "int32"), ("shape", 5, "*int32")],
        "FetchVar": [*_COMMON, ("fetch_type", 4, "int32"), ("shape", 5, "*int32")],
        "GeneralModelConfig": [("feed_var", 1, "*FeedVar"), ("fetch_var", 2, "*FetchVar")],
    },
)


@dataclass(frozen=True)
class Variable:
    """One input or output.

    `shape` is without the batch dimension, as the prototxt has it: free dimensions are left out there, and are -1
    where the prototxt was absent; (-1,) for a LoD tensor. bfloat16 has the dtype uint16, as in Paddle's numpy arrays,
    text has that of numpy's str.
    """

    name: str
    alias: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    is_lod: bool


@dataclass(frozen=True)
class ModelConf:
    """A model's inputs and outputs in the order of its prototxt."""

    feeds: tuple[Variable, ...]
    fetches: tuple[Variable, ...]


def read(model_dir: Path, program: Program | None = None) -> ModelConf:
    """The configuration in a model's folder, or one made from the program where there is no prototxt.

    `program` is the folder's, where the caller has read it already. Raises ModelInvalid naming the file.
    """
    path = model_dir / FILE_NAME
    if not path.is_file():
        return _from_program(program or read_program(find_model_files(model_dir)))
    try:
        message = text_format.Parse(path.read_text(encoding="utf-8"), _MESSAGES["GeneralModelConfig"]())
        conf = ModelConf(
            tuple(_variable(var, var.feed_type) for var in message.feed_var),
            tuple(_variable(var, var.fetch_type) for var in message.fetch_var),
        )
        _refuse_repeated(var.name for var in conf.feeds)
        _refuse_repeated(var.alias for var in conf.feeds)
        _refuse_repeated(var.alias for var in conf.fetches)
    except (text_format.ParseError, ValueError) as error:
        what = str(error).rstrip(".")
        raise ModelInvalid(
            f"{path}: {what}. Write it again with `python -m paddle_serving_client.convert`, or delete it."
        ) from error
    return conf


def render(feeds: Sequence[tuple[Port, str]], fetches: Sequence[tuple[Port, str]]) -> tuple[str, bytes]:
    """The text and the stream form of a configuration of (port, alias) pairs, byte for byte as Paddle Serving writes.

    Source: paddle_serving_client 0.9.0, io/__init__.py: free dimensions are left out, a LoD tensor has shape -1.
    Raises ValueError for a type that Paddle Serving has no number for.
    """
    message = _MESSAGES["GeneralModelConfig"]()
    for repeated, pairs, type_field in (
        (message.feed_var, feeds, "feed_type"),
        (message.fetch_var, fetches, "fetch_type"),
    ):
        for port, alias in pairs:
            var = repeated.add(name=port.name, alias_name=alias, is_lod_tensor=port.lod_level > 0)
            setattr(var, type_field, STRING if port.dtype == "str" else DTYPES.index(port.dtype))
            var.shape.extend([-1] if port.lod_level > 0 else [size for size in port.shape if size >= 0])
    return text_format.MessageToString(message), message.SerializeToString()


def _variable(var: Any, code: int) -> Variable:  # noqa: ANN401 - generated protobuf message
    if code != STRING and not 0 <= code < len(DTYPES):
        raise ValueError(f"variable {var.name} has type {code}; known are 0 to {len(DTYPES) - 1} and {STRING} (text)")
    dtype = numpy_dtype("str" if code == STRING else DTYPES[code])
    return Variable(var.name, var.alias_name or var.name, dtype, tuple(var.shape), var.is_lod_tensor)


def _from_program(program: Program) -> ModelConf:
    return ModelConf(tuple(map(_from_port, program.feeds)), tuple(map(_from_port, program.fetches)))


def _from_port(port: Port) -> Variable:
    shape = (-1,) if port.lod_level > 0 else port.shape[1:]
    return Variable(port.name, port.name, numpy_dtype(port.dtype), shape, port.lod_level > 0)


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The type of an array for the name of a type of Paddle: bfloat16 travels as uint16."""
    return np.dtype("uint16" if name == "bfloat16" else name)


def _refuse_repeated(names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ValueError(f"the name {name!r} stands for {counted(count, 'variable')}")
