"""What keeps a revision alive that serves, read also out of a spec that cannot be used as a whole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from paddle_serving_operator.api.fields import Fields, SpecError
from paddle_serving_operator.api.parse import parse_account, parse_disruption, parse_replicas
from paddle_serving_operator.api.types import Disruption
from paddle_serving_operator.constants import Key

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Upkeep:
    """How many pods, how many of them may be away, and the annotations of the operator's own account.

    `annotations` None: nobody knows, those that there are stay.
    """

    replicas: int
    disruption: Disruption
    annotations: Mapping[str, str] | None


def parse_upkeep(key: Key, raw: object, existing: Upkeep) -> Upkeep:
    """Every part by itself: one that cannot be read is as it exists."""
    return Upkeep(
        replicas=_read(lambda: parse_replicas(Fields(key, "spec", raw)), existing.replicas),
        disruption=_read(lambda: parse_disruption(Fields(key, "spec", raw)), existing.disruption),
        annotations=_read(
            lambda: parse_account(Fields(key, "spec", raw).object("pod")).annotations, existing.annotations
        ),
    )


def _read(part: Callable[[], T], existing: T) -> T:
    try:
        return part()
    except SpecError:
        return existing
