"""Which program runs where a configuration says `python3.7`."""

import re
import subprocess
import sys
from collections.abc import Sequence

from tipc.config import Config

PYTHON = re.compile(r"python(\d+(\.\d+)*)?")
SECONDS = 30


def at_hand(python: str) -> str | None:
    """The interpreter of this name where it runs, else this one for any other Python; None for what is none.

    That PATH has the name says little: version managers have a program for every version, installed or not.
    """
    try:
        runs = subprocess.run([python, "--version"], capture_output=True, check=False, timeout=SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        runs = False
    if runs:
        return python
    return sys.executable if PYTHON.fullmatch(python) else None


def replaced(config: Config, words: Sequence[str]) -> list[str]:
    """Any command, with the interpreter that there is: also one that the configuration does not name."""
    known = command(config, words)
    return known if known[0] != words[0] else [at_hand(words[0]) or words[0], *words[1:]]


def command(config: Config, words: Sequence[str]) -> list[str]:
    """A command of the configuration, with the interpreter that there is."""
    return [config.interpreters.get(words[0], words[0]), *words[1:]]
