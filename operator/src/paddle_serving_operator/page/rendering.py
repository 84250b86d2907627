"""HTML out of the templates. Everything that is no template is escaped, and scrubbed of what is nobody's business."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import takewhile
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from paddle_serving_operator.page.discretion import scrubbed
from paddle_serving_operator.page.heat import WORDS
from paddle_serving_operator.view.dump import MOMENT
from paddle_serving_operator.view.rollout import State
from paddle_serving_operator.view.words import number, short, span

LONGEST_VALUE = 200  # characters of a value in a table; a report has them all
SIGNS = {State.DONE: "✔", State.NOW: "▶", State.NEXT: "○", State.STOPPED: "✘"}
PHASES = {"Healthy": "good", "Progressing": "going", "Failed": "bad", "Invalid": "bad"}
NONE = "-"


def templates() -> Environment:
    """The templates of this package, with their filters."""
    made = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_final,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"segment": _segment, "short": short, "number": number, "span": span, "iso": _iso}
    made.globals |= {"apart": apart, "SIGNS": SIGNS, "PHASES": PHASES, "HEAT": WORDS}
    return made


def html(environment: Environment, name: str, values: Mapping[str, object]) -> bytes:
    """A page."""
    return environment.get_template(name).render(values).encode()


def apart(expected: str, got: str) -> tuple[str, str, str]:
    """What two values begin with, and how each goes on."""
    left, right = _cut(expected), _cut(got)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
    return left[:common], left[common:], right[common:]


def _cut(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"


def _final(value: object) -> object:
    if value is None or (isinstance(value, str) and not value):
        return NONE
    return scrubbed(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _segment(name: str) -> str:
    """A segment of a path."""
    return quote(name, safe="")


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(MOMENT)
