"""The records of revisions as the last pass left them: what it takes to put back one that somebody deletes or bends."""

import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from paddle_serving_operator.constants import Key
from paddle_serving_operator.desired.revision import Revision

Records: TypeAlias = Mapping[str, tuple[Revision, int]]
"""Revisions with their numbers, by name."""

NOTHING: Records = MappingProxyType({})


class History:
    """The records of every PaddleService that this operator looked after. Safe for several threads.

    It is a convenience, not a truth: an operator that starts anew knows what the cluster has. A revision's name is the
    hash of what it is, so that what is put back can only be what was there.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Key, tuple[str, Records]] = {}

    def records_of(self, key: Key, uid: str) -> Records:
        """What the last pass left, nothing for another PaddleService of that name."""
        with self._lock:
            known, records = self._known.get(key, ("", NOTHING))
        return records if known == uid else NOTHING

    def remember(self, key: Key, uid: str, records: Records) -> None:
        """Keeps what a pass left."""
        with self._lock:
            self._known[key] = (uid, records)

    def forget(self, key: Key) -> None:
        """Drops what is known about a PaddleService."""
        with self._lock:
            self._known.pop(key, None)
