"""Reads values out of JSON and says by field path what is wrong with them."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Self

from paddle_serving_operator.constants import Key

DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
DNS_SUBDOMAIN = rf"(?=.{{1,253}}$){DNS_LABEL}(\.{DNS_LABEL})*"
DURATION = re.compile(r"(?:([0-9]{1,4})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,8})s)?")
"""At most a few years: what is longer is a mistake, and past what a program can count."""


class SpecError(Exception):
    """A field of a spec cannot be used. `str()` is a sentence with object, field path, cause and what to do."""

    def __init__(self, key: Key, path: str, problem: str) -> None:
        super().__init__(f"PaddleService {key.path()}: {path} {problem}")
        self.path = path


class Fields:
    """One JSON object of a spec. Every reader raises SpecError for a wrong type or value.

    Used as a context manager it refuses, at the end, the fields that nobody asked for.
    """

    def __init__(self, key: Key, path: str, raw: object) -> None:
        self._key = key
        self.path = path
        if not isinstance(raw, Mapping):
            raise SpecError(key, path, f"is {_shown(raw)}; it must be an object. Write fields below it.")
        self._raw: Mapping[str, Any] = raw
        self._asked: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        unknown = sorted(set(self._raw) - self._asked)
        if error_type is None and unknown:
            known = ", ".join(sorted(self._asked))
            raise self.error(unknown[0], f"is unknown. Remove it, or use one of {known}.")

    def error(self, field: str, problem: str) -> SpecError:
        """The error for a field of this object; an empty field name means the object itself."""
        return SpecError(self._key, f"{self.path}.{field}" if field else self.path, problem)

    def has(self, field: str) -> bool:
        """Whether the field is given; null counts as absent, as in the Kubernetes API."""
        return self._take(field) is not None

    def _take(self, field: str) -> Any:  # noqa: ANN401 - JSON
        self._asked.add(field)
        return self._raw.get(field)

    def text(self, field: str, default: str | None = None, pattern: str | None = None, hint: str = "") -> str:
        """A string that matches the whole pattern; `hint` says what a right one looks like."""
        value = self._take(field)
        if value is None and default is not None:
            return default
        if value is None:
            raise self.error(field, f"is missing. {hint}".rstrip())
        if not isinstance(value, str) or (pattern is not None and not re.fullmatch(pattern, value)):
            raise self.error(field, f"is {_shown(value)}. {hint or 'Give a string.'}")
        return value

    def optional_text(self, field: str) -> str | None:
        """A string, or None where it is absent or empty."""
        return self.text(field, default="") or None

    def choice(self, field: str, default: str, choices: tuple[str, ...]) -> str:
        """One of the given words."""
        value = self.text(field, default=default)
        if value not in choices:
            raise self.error(field, f"is {_shown(value)}. Use one of {', '.join(choices)}.")
        return value

    def integer(self, field: str, default: int | None, low: int, high: int) -> int | None:
        """A whole number within both bounds, or the default."""
        value = self._take(field)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.error(field, f"is {_shown(value)}. Use a whole number from {low} to {high}.")
        return value

    def whole(self, field: str, default: int | None, low: int, high: int) -> int:
        """A whole number within both bounds; without a default it must be given."""
        value = self.integer(field, default, low, high)
        if value is None:
            raise self.error(field, f"is missing. Give a whole number from {low} to {high}.")
        return value

    def number(self, field: str) -> float | None:
        """A number that is not negative, or None."""
        value = self._take(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise self.error(field, f"is {_shown(value)}. Use a number that is not negative.")
        return float(value)

    def boolean(self, field: str, *, default: bool) -> bool:
        """True or false."""
        value = self._take(field)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.error(field, f"is {_shown(value)}. Use true or false.")
        return value

    def lasting(self, field: str, default: str) -> timedelta:
        """A time that is more than nothing."""
        found = self.duration(field, default)
        if not found:
            raise self.error(field, "is no time at all, which would be over at once. Give 1s or more.")
        return found

    def duration(self, field: str, default: str) -> timedelta:
        """A time such as 90s, 10m or 1h30m, of at most a few years."""
        value = self.text(field, default=default)
        match = DURATION.fullmatch(value)
        if match is None or not value:
            raise self.error(
                field,
                f"is {_shown(value)}. Write hours, minutes and seconds, for example 90s, 10m or 1h30m, no more than "
                "9999 hours.",
            )
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)

    def object(self, field: str) -> "Fields":
        """The fields of an object below; an absent one has no fields."""
        value = self._take(field)
        return Fields(self._key, f"{self.path}.{field}", {} if value is None else value)

    def raw_object(self, field: str) -> Mapping[str, Any]:
        """An object that is passed on as it is."""
        value = self._take(field)
        if value is not None and not isinstance(value, Mapping):
            raise self.error(field, f"is {_shown(value)}; it must be an object.")
        return value or {}

    def texts(self, field: str, key_pattern: str | None = None, hint: str = "") -> Mapping[str, str]:
        """An object whose values are strings (numbers are taken as they are written)."""
        values = self.raw_object(field)
        for name, value in values.items():
            if key_pattern is not None and not re.fullmatch(key_pattern, name):
                raise self.error(field, f"has the key {_shown(name)}. {hint}")
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise self.error(f"{field}[{name}]", f"is {_shown(value)}. Give a string.")
        return {name: str(value) for name, value in values.items()}

    def strings(self, field: str) -> Iterator[str]:
        """The strings of a list."""
        value = self._take(field)
        if value is not None and not isinstance(value, list):
            raise self.error(field, f"is {_shown(value)}; it must be a list.")
        for index, item in enumerate(value or ()):
            if not isinstance(item, str) or not item:
                raise self.error(f"{field}[{index}]", f"is {_shown(item)}. Give a string.")
            yield item

    def items(self, field: str) -> Iterator["Fields"]:
        """The objects of a list, each with its index in the path."""
        value = self._take(field)
        if value is not None and not isinstance(value, list):
            raise self.error(field, f"is {_shown(value)}; it must be a list.")
        for index, item in enumerate(value or ()):
            yield Fields(self._key, f"{self.path}.{field}[{index}]", item)

    def raw(self) -> Mapping[str, Any]:
        """All fields as they are; none of them is unknown any more."""
        self._asked |= set(self._raw)
        return self._raw

    def any_of(self, field: str) -> Any:  # noqa: ANN401 - JSON
        """The value as it is, of whatever type."""
        return self._take(field)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - a sentence stays readable
