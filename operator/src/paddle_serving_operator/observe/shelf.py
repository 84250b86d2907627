"""The objects of one kind as they are known at the moment, and which older news of them must be ignored.

It relies on this: the resourceVersions of one kind are decimal numbers, and a later write has a greater one. Kubernetes
promises it from 1.35 on, for its own kinds and for custom resources (KEP-5504), and every API server that keeps its
objects in etcd did so before: the number is etcd's revision, also that of a list, and that of the deletion in an event
of a deletion. A shelf that meets another resourceVersion says so, and its answers must not be used.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from paddle_serving_operator.constants import Manifest

KEPT_SECONDS = 600.0  # news of a deleted object come within seconds, and answers to own writes within a pass


class Place(NamedTuple):
    """Where an object is."""

    namespace: str
    name: str


class Shelf:
    """Objects by place. Where `label` is given, only objects that carry it belong here. Not safe for threads."""

    def __init__(self, label: str | None, clock: Callable[[], float]) -> None:
        """`clock` in monotonic seconds."""
        self.comparable = True
        self._label = label
        self._clock = clock
        self._objects: dict[str, dict[str, Manifest]] = defaultdict(dict)
        self._groups: dict[Place, dict[str, Manifest]] = defaultdict(dict)
        self._gone: dict[Place, tuple[int, float]] = {}
        self._dead: dict[str, float] = {}

    def __len__(self) -> int:
        return sum(len(objects) for objects in self._objects.values())

    def get(self, place: Place) -> Manifest | None:
        """The object at this place."""
        return self._objects.get(place.namespace, {}).get(place.name)

    def all(self) -> list[Manifest]:
        """Every object."""
        return [manifest for objects in self._objects.values() for manifest in objects.values()]

    def matching(self, namespace: str, labels: Mapping[str, str]) -> list[Manifest]:
        """The objects of a namespace that carry all of these labels."""
        group = labels.get(self._label or "")
        found = self._objects.get(namespace, {}) if group is None else self._groups.get(Place(namespace, group), {})
        return [manifest for manifest in found.values() if labels.items() <= labels_of(manifest).items()]

    def put(self, manifest: Manifest, floor: int = 0) -> None:
        """Takes news of an object, unless newer ones are known.

        `floor` is the resourceVersion of the last list: what it did not have, and is no younger, does not exist.
        """
        version, place = self._version(manifest), place_of(manifest)
        known = self.get(place)
        newest = max(self._number(known) if known else floor, self._gone.get(place, (0, 0.0))[0])
        if version <= newest or manifest["metadata"].get("uid") in self._dead:
            return
        self._remove(place)
        if self._label and self._label not in labels_of(manifest):
            self._bury(place, version)  # as the watch is about to say
            return
        self._objects[place.namespace][place.name] = manifest
        if self._label:
            self._groups[Place(place.namespace, labels_of(manifest)[self._label])][place.name] = manifest

    def knows(self, manifest: Manifest) -> bool:
        """Whether the object at the place of this one is known as it is here, or newer."""
        known, version = self.get(place_of(manifest)), number_of(manifest["metadata"].get("resourceVersion"))
        return known is not None and version is not None and version <= self._number(known)

    def take(self, manifest: Manifest) -> None:
        """Takes the news that an object is gone, or does not match any more. The version is that of this news."""
        version, place = self._version(manifest), place_of(manifest)
        known = self.get(place)
        if known is None or self._number(known) <= version:
            self._remove(place)
            self._bury(place, version)

    def kill(self, place: Place, uid: str) -> None:
        """Takes the answer that the object with this uid does not exist any more; a uid never comes back."""
        known = self.get(place)
        if known is not None and known["metadata"].get("uid") == uid:
            self._remove(place)
        self._forget_old()
        self._dead[uid] = self._clock()

    def replace(self, items: Iterable[Manifest], version: int, namespace: str | None) -> list[Manifest]:
        """Takes a whole list, of one namespace or (None) of all. Returns the objects that it shows to be gone."""
        listed = set()
        for manifest in items:
            listed.add(place_of(manifest))
            self.put(manifest)
        vanished = [
            manifest
            for manifest in (self.all() if namespace is None else self.matching(namespace, {}))
            if place_of(manifest) not in listed and self._number(manifest) <= version
        ]
        for manifest in vanished:
            self._remove(place_of(manifest))
        return vanished

    def _remove(self, place: Place) -> None:
        known = self._objects[place.namespace].pop(place.name, None)
        if not self._objects[place.namespace]:
            del self._objects[place.namespace]
        if known is not None and self._label:
            group = Place(place.namespace, labels_of(known)[self._label])
            self._groups[group].pop(place.name, None)
            if not self._groups[group]:
                del self._groups[group]

    def _bury(self, place: Place, version: int) -> None:
        self._forget_old()
        buried, _ = self._gone.pop(place, (0, 0.0))
        self._gone[place] = (max(version, buried), self._clock())

    def _forget_old(self) -> None:
        oldest = self._clock() - KEPT_SECONDS
        while self._gone and next(iter(self._gone.values()))[1] < oldest:
            del self._gone[next(iter(self._gone))]
        while self._dead and next(iter(self._dead.values())) < oldest:
            del self._dead[next(iter(self._dead))]

    def _version(self, manifest: Manifest) -> int:
        number = number_of(manifest["metadata"].get("resourceVersion"))
        self.comparable = self.comparable and number is not None
        return number or 0

    def _number(self, manifest: Manifest) -> int:
        return number_of(manifest["metadata"].get("resourceVersion")) or 0


def number_of(version: object) -> int | None:
    """A resourceVersion as a number; None where it is none that can be compared (by the rules of KEP-5504)."""
    text = version if isinstance(version, str) else ""
    return int(text) if text.isascii() and text.isdigit() and not text.startswith("0") else None


def place_of(manifest: Manifest) -> Place:
    """Where the object is."""
    return Place(manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"])


def labels_of(manifest: Manifest) -> Mapping[str, str]:
    """Its labels."""
    return manifest["metadata"].get("labels") or {}
