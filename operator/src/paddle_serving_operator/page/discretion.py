"""What the page keeps to itself: whoever reaches its port may read it, without the rights that kubectl asks for."""

import re
from dataclasses import replace

from paddle_serving_operator.view.difference import Change

HIDDEN = "(not shown)"
PRIVATE = re.compile(r"pod\.(env\b(?!.*\.name$)|annotations\b)")
"""The path of a variable's or an annotation's value; people keep passwords there against all advice."""

ADDRESS = re.compile(r"(\b[a-z][a-z0-9+.-]*://)(?:[^\s/@?#]*@)?([^\s?#\"'<>]*)(\?[^\s\"'<>]*)?", re.IGNORECASE)


def scrubbed(text: str) -> str:
    """The text, its addresses without user, password and query, where access keys and signatures stand."""
    return ADDRESS.sub(lambda match: f"{match[1]}{match[2]}{'?…' if match[3] else ''}", text)


def discreet(change: Change) -> Change:
    """The change without the values of environment variables and annotations."""
    if not PRIVATE.match(change.path):
        return change
    return replace(
        change,
        before=None if change.before is None else HIDDEN,
        after=None if change.after is None else HIDDEN,
    )
