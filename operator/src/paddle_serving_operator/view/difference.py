"""What differs between two specs, in the words of the spec."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from paddle_serving_operator.constants import REVISION_FIELDS
from paddle_serving_operator.view.raw import Raw
from paddle_serving_operator.view.words import json_text


@dataclass(frozen=True, slots=True)
class Change:
    """A field, as a path below spec, and its values as text; None where it is not given."""

    path: str
    before: str | None
    after: str | None

    @property
    def sentence(self) -> str:
        """The change in words."""
        if self.before is None:
            return f"{self.path}: {self.after} is added"
        if self.after is None:
            return f"{self.path}: {self.before} is removed"
        return f"{self.path}: {self.before} becomes {self.after}"


def revision_part(spec: Raw) -> Raw:
    """The part of a spec that makes the revision."""
    return {name: spec[name] for name in REVISION_FIELDS if spec.get(name) is not None}


def changes(before: Raw, after: Raw) -> tuple[Change, ...]:
    """The leaves that differ, in the order of the fields. Items of a list go by their name where they have one."""
    return tuple(_changes("", before, after))


def _changes(path: str, before: object, after: object) -> Iterator[Change]:
    if _branches(before) or _branches(after):
        left, right = _named(before), _named(after)
        for name in [*left, *(name for name in right if name not in left)]:
            place = f"{path}{name}" if name.startswith("[") or not path else f"{path}.{name}"
            yield from _changes(place, left.get(name), right.get(name))
    elif before != after:
        yield Change(path, *(None if value is None else json_text(value) for value in (before, after)))


def _branches(value: object) -> bool:
    return bool(value) and isinstance(value, Mapping | list)


def _named(value: object) -> dict[str, object]:
    """What is below an object or a list, by name. A value that is neither has nothing below it."""
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, list):
        return {}
    found: dict[str, object] = {}
    for index, item in enumerate(value):
        name = item.get("name") if isinstance(item, Mapping) else None
        key = f"[{name}]" if isinstance(name, str) and f"[{name}]" not in found else f"[{index}]"
        found[key] = item
    return found
