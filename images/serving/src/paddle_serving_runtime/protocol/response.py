"""What every protocol answers with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

MAX_MESSAGE = 1024


class UnpackableValue(Exception):  # noqa: N818 - a value is at fault, and TYPE_ERROR is its code
    """The output of an Op that the protocol cannot carry; the message names the key and what it is."""


@dataclass(frozen=True)
class Response:
    """A response read back: `values` by key as text, `tensors` by name."""

    err_no: int
    err_msg: str
    values: Mapping[str, str] = field(default_factory=dict)
    tensors: Mapping[str, NDArray[Any]] = field(default_factory=dict)


def sendable_message(text: str) -> str:
    """An error message as every protocol can carry it: at most 1024 characters, all of them valid Unicode."""
    return text[:MAX_MESSAGE].encode("utf-8", "replace").decode()
