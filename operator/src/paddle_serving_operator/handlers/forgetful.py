"""Keeps kopf from copying every object of every event, for handlers of changes, which this operator does not have."""

from collections.abc import Iterable

import kopf
from typing_extensions import override


class NothingRemembered(kopf.DiffBaseStorage):
    """No object has an essence, so that none differs from what it was when it was last handled.

    kopf takes the essence of each object with every event, also where all handlers are of raw events: deep copies that
    cost three quarters of an event's time.
    """

    @override
    def build(self, *, body: kopf.Body, extra_fields: Iterable[object] | None = None) -> kopf.BodyEssence:
        """Nothing."""
        return kopf.BodyEssence()

    @override
    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        """Nothing was stored."""
        return None

    @override
    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Nothing is."""
