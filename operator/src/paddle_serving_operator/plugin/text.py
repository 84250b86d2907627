"""Tables and paragraphs as kubectl prints them: plain text, columns under their heads."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unicodedata import combining, east_asian_width

GAP = "   "
NONE = "-"
ORDERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys instead of showing it: control characters, and those that turn the direction of writing."""


def visible(text: str) -> str:
    """The text with what a terminal would obey written out; lines stay lines.

    Names and messages come from pods, packages and other people: they must not hide a line, or write the title.
    """
    return ORDERS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """The same, on one line."""
    return visible(text).replace("\n", "\\n")


def all_visible(value: Any) -> Any:  # noqa: ANN401 - JSON
    """JSON with every text in it on one line."""
    if isinstance(value, Mapping):
        return {name: all_visible(found) for name, found in value.items()}
    if isinstance(value, list | tuple):
        return tuple(all_visible(item) for item in value) if isinstance(value, tuple) else [*map(all_visible, value)]
    return one_line(value) if isinstance(value, str) else value


def table(head: Sequence[str], rows: Iterable[Sequence[object]], indent: str = "") -> str:
    """Columns as wide as their longest cell; an empty cell is "-"."""
    cells = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(_width(row[index]) for row in cells) for index in range(len(head))]
    lines = (GAP.join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(f"{indent}{line}".rstrip() for line in lines)


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    """Columns of a terminal: those of East Asia are wide."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def pairs(values: Iterable[tuple[str, object]], indent: str = "") -> str:
    """Names and values, those that are empty left out."""
    given = [(f"{name}:", one_line(str(value))) for name, value in values if value not in (None, "")]
    width = max((len(name) for name, _ in given), default=0) + len(GAP)
    return "\n".join(f"{indent}{name.ljust(width)}{value}" for name, value in given)


def section(title: str, body: str) -> str:
    """A title and, below it, what it is about."""
    return f"{title}:\n{body}"


def _cell(value: object) -> str:
    return NONE if value in (None, "") else one_line(str(value))
