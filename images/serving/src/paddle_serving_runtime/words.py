"""Words of messages that depend on a number or an exception. Pure."""

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """`1 key`, `2 keys`, `0 keys`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def one_line(error: BaseException) -> str:
    """What an exception says, without line ends; empty where it says nothing."""
    return " ".join(str(error).split())


def named(error: BaseException) -> str:
    """`ValueError: what it says`, in one line; the name alone where it says nothing."""
    return f"{type(error).__name__}: {one_line(error)}".rstrip(": ")


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """The rows as lines, every column as wide as its widest cell, two spaces between; the first row is the heading."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def visible(text: str) -> str:
    """The text on one line, with whatever a terminal would obey instead of showing it written out.

    What other people wrote (a report, the answer of a service) must not look like a line of ours.
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
