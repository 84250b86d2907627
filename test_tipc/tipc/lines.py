"""The lines of a configuration, whatever its generation: `key:value`, refused with file, line and key. Pure."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

NULL = "null"
DEVICES = ("null", "0")


class ConfigError(Exception):
    """A configuration that cannot be run: `file:line: key: what is wrong and what to do`."""


@dataclass(frozen=True)
class Parameter:
    """One line with alternatives: the key of an argument and the values that the matrix runs over."""

    key: str
    values: tuple[str, ...]


def read(path: Path) -> bytes:
    """The content of a file. Raises ConfigError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}). Give a file of test_tipc/configs.") from None


def split(path: Path, content: bytes) -> list[str]:
    """The lines, without blank ones at the end. Raises ConfigError for what is no text of Unix."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        where = content[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{where}: not UTF-8 text. Save the file as UTF-8.") from None
    if "\r" in text:
        where = text[: text.index("\r")].count("\n") + 1
        raise ConfigError(f"{path}:{where}: ends with CRLF. Convert the file: sed -i 's/\\r$//' {path}")
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def pairs(path: Path, lines: Sequence[str], count: int, keys: Mapping[int, str]) -> dict[int, tuple[str, str]]:
    """Key and value of the first `count` lines by number, the banner left out.

    Raises ConfigError for lines that are blank or not there, and where a line has another key than `keys` says, or no
    value.
    """
    for number, line in enumerate(lines[:count], start=1):
        if not line.strip():
            expected = keys.get(number, "key:value")
            raise ConfigError(f"{path}:{number}: {expected} expected, found a blank line. Remove it.")
    if len(lines) < count:
        missing = len(lines) + 1
        raise ConfigError(
            f"{path}:{missing}: the file ends here; line {missing} of {count} "
            f"({keys.get(missing, 'key:value')}) is missing."
        )
    found = {number: pair(path, number, line) for number, line in enumerate(lines[:count], start=1) if number > 1}
    for number, key in keys.items():
        if found[number][0] != key:
            raise ConfigError(
                f"{path}:{number}: the key is {found[number][0]!r}, but line {number} is {key!r}. "
                "The order of lines is fixed; look for a line that is missing, doubled or out of place above."
            )
        if not found[number][1]:
            raise ConfigError(f"{path}:{number}: {key} has no value. Write it after the colon.")
    return found


def pair(path: Path, number: int, line: str) -> tuple[str, str]:
    """Key and value around the first colon; later colons belong to the value, which the original cuts off."""
    key, colon, value = line.strip().partition(":")
    if not colon:
        raise ConfigError(f"{path}:{number}: {line.strip()!r} has no colon; write key:value.")
    return key.strip(), value.strip()


def check_words(path: Path, number: int, key: str, text: str, *, script: bool) -> None:
    """Refuses what is no list of words: the original gives these lines to a shell, which no part of this test is.

    `script`: the first of them is a Python script.
    """
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError as error:
        raise ConfigError(f"{path}:{number}: {key} is {text!r}: {error}. Close what is open.") from None
    shell = next((word for word in words if (word and set(word) <= set("();<>|&")) or "$" in word or "`" in word), None)
    if shell:
        raise ConfigError(f"{path}:{number}: {key} is {text!r}; {shell!r} needs a shell. Write a script and arguments.")
    if script and not (words and words[0].endswith(".py")):
        raise ConfigError(
            f"{path}:{number}: {key} is {text!r}, which does not begin with a Python script of serving_dir. "
            "Name one, followed by its arguments."
        )


def parameter(found: tuple[str, str]) -> Parameter:
    """A line with alternatives."""
    return Parameter(found[0], tuple(found[1].split("|")))


def device(path: Path, number: int, found: tuple[str, str]) -> Parameter:
    """The line whose values choose the device. Raises ConfigError."""
    chosen = parameter(found)
    for value in chosen.values:
        if value != NULL and chosen.key == NULL:
            raise ConfigError(
                f'{path}:{number}: the key is null, but its value is "{value}". Name the key of the device, for '
                "example op.<name>.local_service_conf.devices, or write null:null where config.yml alone says it."
            )
        if value not in DEVICES:
            raise ConfigError(
                f'{path}:{number}: value of {chosen.key} is "{value}"; a device is `null` (CPU) or `0` (GPU). '
                "Choose the card with the argument GPU_ID."
            )
    return chosen
