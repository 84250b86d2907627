"""The commands that documents show, read from the documents themselves, for the tests that execute them.

A block of commands is fenced as `sh`, or as `console` where what they print is shown too, a command behind `$ `.
Every one is claimed by a test, by a call of `commands`, `command`, `each`, `printing`, `not_executed` or
`none_executed` with literal arguments: tools/claims.py reads those calls, and a test of it fails for a command that
nobody claims.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^( *)```(\S*)$")
PROMPT = re.compile(r"^ *\$ (.*)$")
COMMENT = re.compile(r"\s+#\s.*$")
GOES_ON = ("\\", "&&", "||", "|")


@dataclass(frozen=True, slots=True)
class Command:
    """What is typed, in several lines where it goes on, and what the document says it prints: None in `sh`."""

    line: int
    text: str
    printed: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """The commands of a fenced block, or one of them."""

    document: str
    heading: str
    commands: tuple[Command, ...]

    @property
    def text(self) -> str:
        """The commands, one below the other."""
        return "\n".join(command.text for command in self.commands)

    def replaced(self, by: Mapping[str, str]) -> Block:
        """With each key replaced by its value in the commands. Raises AssertionError where it does not occur."""
        joined = replaced("\0".join(command.text for command in self.commands), by, self.document)
        texts = zip(self.commands, joined.split("\0"), strict=True)
        return replace(self, commands=tuple(replace(command, text=text) for command, text in texts))


def replaced(text: str, by: Mapping[str, str], document: str) -> str:
    """The document's text with each key replaced by its value. Raises AssertionError where it does not occur."""
    for old, new in by.items():
        if old not in text:
            raise AssertionError(f"{document} no longer says {old}")
        text = text.replace(old, new)
    return text


def snippet(document: str, language: str) -> str:
    """The document's one fenced block of that language. Raises ValueError where it is not one."""
    text = (ROOT / document).read_text(encoding="utf-8")
    ((_, lines),) = ((found, lines) for _, found, _, lines in fenced(text) if found == language)
    return "".join(f"{line}\n" for line in lines)


def commands(document: str, key: str) -> Block:
    """The block under the heading `key`, or whose first command starts with it.

    Raises AssertionError where it is not one.
    """
    found = [block for block in blocks(document) if block.heading == key or block.commands[0].text.startswith(key)]
    return _only(found, document, key)


def command(document: str, start: str) -> Block:
    """The command that is this text or else starts so, alone; the same text twice is one.

    Raises AssertionError where it is not one.
    """
    found = {
        each.text: replace(block, commands=(each,))
        for block in blocks(document)
        for each in block.commands
        if each.text.startswith(start)
    }
    return found.get(start) or _only(list(found.values()), document, start)


def each(documents: str, start: str) -> dict[str, Block]:
    """The command that is this text or starts so, alone, of every document of that pattern that has one, by document.

    `{name}` in the start is the name of the document's folder. Raises AssertionError where none has it, or one has
    several.
    """
    found = {}
    for path in sorted(ROOT.glob(documents)):
        document, own = path.relative_to(ROOT).as_posix(), start.replace("{name}", path.parent.name)
        if any(one.text.startswith(own) for block in blocks(document) for one in block.commands):
            found[document] = command(document, own)
    if not found:
        raise AssertionError(f"none of {documents} has a command {start!r}")
    return found


def printing(document: str) -> list[Block]:
    """Each command of which the document shows the output, alone."""
    return [
        replace(block, commands=(each,))
        for block in blocks(document)
        for each in block.commands
        if each.printed is not None
    ]


def not_executed(document: str, start: str, because: str) -> Block:
    """The same, for a test that checks the command without executing it, `because` of that."""
    if not because:
        raise AssertionError(f"{document}: why is `{start}` not executed?")
    return command(document, start)


def none_executed(documents: str, start: str, because: str) -> dict[str, Block]:
    """As `each`, for a test that checks the commands without executing them, `because` of that."""
    if not because:
        raise AssertionError(f"{documents}: why is `{start}` not executed?")
    return each(documents, start)


def _only(found: Sequence[Block], document: str, key: str) -> Block:
    if len(found) != 1:
        places = [f"line {block.commands[0].line}: {block.commands[0].text}" for block in found]
        raise AssertionError(f"{document} must have one block of commands for {key!r}, and has {len(found)}: {places}")
    return found[0]


def blocks(document: str) -> tuple[Block, ...]:
    """Every block of commands of a document, a path in this repository."""
    return _blocks(document, (ROOT / document).read_text(encoding="utf-8"))


@cache
def _blocks(document: str, text: str) -> tuple[Block, ...]:
    return tuple(
        Block(document, heading, found)
        for heading, language, start, lines in fenced(text)
        if (found := tuple(_commands(language, start, lines)))
    )


def fenced(text: str) -> Iterator[tuple[str, str, int, list[str]]]:
    """Heading, language, number of the first line and lines of every fenced block, without the fence's indentation."""
    heading, opened = "", None
    start, lines = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if opened is None and fence:
            opened, start, lines = fence, number + 1, []
        elif opened is not None and fence and not fence[2]:
            yield heading, opened[2], start, lines
            opened = None
        elif opened is not None:
            lines.append(line.removeprefix(opened[1]))
        elif line.startswith("#"):
            heading = line.lstrip("#").strip()


def _commands(language: str, start: int, lines: Sequence[str]) -> Iterator[Command]:
    if language == "sh":
        yield from _typed(start, lines)
    if language == "console":
        yield from _with_output(start, lines)


def _typed(start: int, lines: Sequence[str]) -> Iterator[Command]:
    """Lines that go on are one command; comments alone are none."""
    begun: list[str] = []
    for number, line in enumerate(lines, start):
        if not begun and (not line.strip() or line.lstrip().startswith("#")):
            continue
        begun.append(line)
        if not _goes_on("\n".join(begun)):
            yield Command(number - len(begun) + 1, _without_comment("\n".join(begun)))
            begun = []
    if begun:
        raise AssertionError(f"line {start}: the last command of the block does not end: {begun[-1]}")


def _without_comment(text: str) -> str:
    """More may be typed behind it then."""
    bare = COMMENT.sub("", text)
    try:
        return bare if shlex.split(bare) == shlex.split(text, comments=True) else text
    except ValueError:  # the mark stands in a quote
        return text


def _goes_on(text: str) -> bool:
    try:
        shlex.split(text, comments=True)
    except ValueError:  # an open quote
        return True
    return text.rstrip().endswith(GOES_ON)


def _with_output(start: int, lines: Sequence[str]) -> Iterator[Command]:
    found: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(lines, start):
        if prompt := PROMPT.match(line):
            found.append((number, prompt[1], []))
        elif found:
            found[-1][2].append(line)
    for number, text, printed in found:
        yield Command(number, text, "".join(f"{line}\n" for line in printed))
