"""Objects that take less memory: what is equal in many of them is in memory once.

A thousand PaddleServices have a thousand Deployments whose containers, probes and field managers are the same but for a
few names. Parsed one by one they share nothing, not even the names of fields: two thirds of their memory are copies.
Nobody changes what the mirror gives out, so that equal parts may be one object.
"""

from collections.abc import Mapping
from sys import intern
from typing import Any

from paddle_serving_operator.constants import Manifest

MOST = 20_000  # parts that are remembered; past it all are forgotten, and those in use stay where they are
LONGEST = 64  # characters of a text that is likely to come again
METADATA, SPEC = "metadata", "spec"
OFTEN = frozenset({SPEC, "data", "managedFields"})
"""Fields whose parts are equal in many objects; elsewhere only names and short texts are."""


class Sharing:
    """Remembers parts of manifests. Not safe for threads."""

    def __init__(self) -> None:
        # by the names of fields and the identities of values, which live as long as the part that is remembered
        self._parts: dict[tuple[Any, ...], Any] = {}

    def shared(self, manifest: Manifest, before: Manifest | None) -> Manifest:
        """An equal manifest. `before` is the same object as it was known; most of a change is what did not change."""
        known = dict(before or {})
        if _generation(known) != _generation(manifest):
            known.pop(SPEC, None)  # 1 and true are equal here, and are not for what a spec asks for
        made = {intern(name): self._part(name, part, known.get(name)) for name, part in manifest.items()}
        metadata, told = known.get(METADATA) or {}, manifest[METADATA]
        return made | {METADATA: {intern(name): self._part(name, told[name], metadata.get(name)) for name in told}}

    def _part(self, name: str, part: Any, known: Any) -> Any:  # noqa: ANN401 - JSON
        if name == METADATA or (known is not None and known == part):
            return known
        if len(self._parts) > MOST:
            self._parts.clear()
        return self._once(part) if name in OFTEN else _interned(part)

    def _once(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """The value that is remembered and equal to this one, else this one from now on."""
        if isinstance(value, dict):
            names = tuple([intern(name) for name in value])
            values = [self._once(inner) for inner in value.values()]
            key = (names, *map(id, values))
            return self._parts.get(key) or self._parts.setdefault(key, dict(zip(names, values, strict=True)))
        if isinstance(value, list):
            values = [self._once(inner) for inner in value]
            key = (None, *map(id, values))
            return self._parts.get(key) or self._parts.setdefault(key, values)
        if type(value) is int:  # true and 1.0 are equal to 1, and are not the same
            return self._parts.setdefault((int, value), value)
        return _interned(value)


def _generation(manifest: Mapping[str, Any]) -> object:
    """The number of the spec; where a kind has none, an object that equals nothing else."""
    return manifest.get(METADATA, {}).get("generation") or object()


def _interned(value: Any) -> Any:  # noqa: ANN401 - JSON
    if type(value) is str:  # no member of an enumeration, which cannot be interned
        return intern(value) if len(value) <= LONGEST else value
    if isinstance(value, dict):
        return {intern(name): _interned(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_interned(inner) for inner in value]
    return value
