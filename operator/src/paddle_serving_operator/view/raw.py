"""Reads JSON that another version of the operator may have written: what is absent or of another type is empty."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

Raw: TypeAlias = Mapping[str, Any]


def value_at(raw: object, *path: str) -> Any:  # noqa: ANN401 - JSON
    """What stands at a path, None where something on the way is missing."""
    for name in path:
        if not isinstance(raw, Mapping):
            return None
        raw = raw.get(name)
    return raw


def text_at(raw: object, *path: str) -> str:
    """A string, else ""."""
    found = value_at(raw, *path)
    return found if isinstance(found, str) else ""


def whole_at(raw: object, *path: str) -> int:
    """A whole number, else 0."""
    found = value_at(raw, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def number_at(raw: object, *path: str) -> float | None:
    """A number, else None."""
    found = value_at(raw, *path)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def flag_at(raw: object, *path: str) -> bool:
    """Whether true stands there."""
    return value_at(raw, *path) is True


def object_at(raw: object, *path: str) -> Raw:
    """An object, else an empty one."""
    found = value_at(raw, *path)
    return found if isinstance(found, Mapping) else {}


def objects_at(raw: object, *path: str) -> tuple[Raw, ...]:
    """The objects of a list, else none."""
    found = value_at(raw, *path)
    return tuple(item for item in found if isinstance(item, Mapping)) if isinstance(found, list) else ()


def texts_at(raw: object, *path: str) -> tuple[str, ...]:
    """The strings of a list, else none."""
    found = value_at(raw, *path)
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def moment_at(raw: object, *path: str) -> datetime | None:
    """A moment (RFC 3339, with or without a fraction of a second), else None."""
    try:
        found = datetime.fromisoformat(text_at(raw, *path))
    except ValueError:
        return None
    return found if found.tzinfo else None
