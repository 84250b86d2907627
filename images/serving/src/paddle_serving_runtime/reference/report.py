"""The reference's answers on disk; read back without importing paddle."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paddle_serving_runtime.consistency import Answer


@dataclass(frozen=True)
class Reference:
    """Answers by sample name, and what computed them; `switches` by the name of the node."""

    paddle_version: str
    device: str
    switches: Mapping[str, Any]
    answers: Mapping[str, Answer]


def read(path: Path) -> Reference:
    """The reference that `write` has written. Raises ModelInvalid where the file is not one."""
    raise NotImplementedError


def write(path: Path, reference: Reference) -> None:
    """Writes the reference as JSON; the file appears complete or not at all."""
    raise NotImplementedError
