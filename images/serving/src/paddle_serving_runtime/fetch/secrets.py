"""Secrets of the environment, before they become part of a request."""

import re

from paddle_serving_runtime.errors import InvalidOption

_VISIBLE = re.compile(r"[!-~]*")


def one_line(name: str, value: str) -> str:
    """The value of the variable `name` without what is around it: a Secret made of a file ends with a new line.

    Raises InvalidOption for what no HTTP header takes, which libraries refuse in messages that show all of it.
    """
    stripped = value.strip()
    if _VISIBLE.fullmatch(stripped) is None:
        raise InvalidOption(f"{name} has blanks, line breaks or letters beyond ASCII. Give the value alone.")
    return stripped
