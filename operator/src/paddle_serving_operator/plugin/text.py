"""Tables and paragraphs as kubectl prints them: plain text, columns under their heads."""

from collections.abc import Iterable, Sequence

GAP = "   "
NONE = "-"


def table(head: Sequence[str], rows: Iterable[Sequence[object]], indent: str = "") -> str:
    """Columns as wide as their longest cell; an empty cell is "-"."""
    cells = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(head))]
    lines = (GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(f"{indent}{line}".rstrip() for line in lines)


def pairs(values: Iterable[tuple[str, object]], indent: str = "") -> str:
    """Names and values, those that are empty left out."""
    given = [(f"{name}:", str(value)) for name, value in values if value not in (None, "")]
    width = max((len(name) for name, _ in given), default=0) + len(GAP)
    return "\n".join(f"{indent}{name.ljust(width)}{value}" for name, value in given)


def section(title: str, body: str) -> str:
    """A title and, below it, what it is about."""
    return f"{title}:\n{body}"


def _cell(value: object) -> str:
    return NONE if value in (None, "") else str(value)
