"""Wakes the PaddleServices that wait for their turn, when something changes that they wait for."""

import threading
from collections.abc import Collection

from paddle_serving_operator.api.memory import Turn
from paddle_serving_operator.constants import PADDLE_SERVICE, Key, Manifest
from paddle_serving_operator.observe import turns
from paddle_serving_operator.observe.mirror import Mirror


class TurnNews:
    """What was heard last of every PaddleService that has a place. Safe for several threads.

    It is no truth: after a start every PaddleService is looked at anyway. The mirror cannot stand in for it, because it
    knows what the operator itself writes before any watch tells.
    """

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._lock = threading.Lock()
        self._heard: dict[Key, tuple[str, ...]] = {}

    def heard(self, service: Manifest, *, gone: bool) -> Collection[Key]:
        """The PaddleServices to look at after news of this one."""
        key = turns.key_of(service)
        stands = () if gone else turns.stands(service)
        with self._lock:
            before = self._heard.pop(key, ())
            if stands:
                self._heard[key] = stands
        if stands == before or (not before and stands[0] == Turn.WAITING):  # one more that waits is no news to others
            return ()
        known = self._mirror.known(PADDLE_SERVICE, None)
        return [other for service in known if turns.waits(service) and (other := turns.key_of(service)) != key]
