"""Verbs: what a person asks of a rollout by an annotation, obeyed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from paddle_serving_operator.constants import ANNOTATION_VERB


class VerbName(StrEnum):
    """What can be asked. Going back to an earlier revision is a change of the spec and no verb."""

    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    ABORT = "abort"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Verb:
    """One order. `token` tells it from the one before; `name` is None where it is none that there is."""

    name: VerbName | None
    token: str
    text: str


def parse_verb(annotations: Mapping[str, str] | None) -> Verb | None:
    """The order of the annotation, `<verb> <token>`; None without one.

    One that cannot be obeyed has the name None and its whole text as token, so that it is told once.
    """
    text = str((annotations or {}).get(ANNOTATION_VERB) or "").strip()
    if not text:
        return None
    name, _, token = text.partition(" ")
    if name not in set(VerbName) or not token or " " in token:
        return Verb(None, text, text)
    return Verb(VerbName(name), token, text)
