"""What the commands print: a form for people, JSON and YAML for programs."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime

import click

from paddle_serving_operator.plugin.text import visible
from paddle_serving_operator.view.dump import as_json
from paddle_serving_operator.view.words import span


def say(text: str, *, err: bool = False) -> None:
    """Prints a text for people."""
    click.echo(visible(text), err=err)


def emit(form: str | None, value: object, text: Callable[[], str]) -> None:
    """Prints a value as JSON or YAML where that is asked for, else the text."""
    if form == "json":
        click.echo(json.dumps(as_json(value), indent=2, ensure_ascii=False))
    elif form == "yaml":
        click.echo(yaml_text(as_json(value)), nl=False)
    else:
        say(text())


def yaml_text(value: object) -> str:
    """YAML in the order of the value."""
    import yaml  # noqa: PLC0415 - only this form needs it, and every start of a program would pay for it

    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=10_000)
    return text


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago, "" where it is not known."""
    return span(now - moment) if moment else ""


def paragraphs(parts: Iterable[str]) -> str:
    """The parts that are not empty, with a line between them."""
    return "\n\n".join(part for part in parts if part)
