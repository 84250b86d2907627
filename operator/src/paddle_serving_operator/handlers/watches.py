"""The watches of each namespace, in a thread of its own, started anew whenever kopf ends them."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import kopf
from typing_extensions import override

from paddle_serving_operator.constants import FIELD_MANAGER, Kind
from paddle_serving_operator.handlers.hub import Hub
from paddle_serving_operator.handlers.registry import Memo, make_registry, operator_settings
from paddle_serving_operator.kube.errors import KubeError
from paddle_serving_operator.observe.mirror import OPTIONAL_KINDS, PAGE_KINDS, WATCHED_KINDS

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds until watches that ended are started anew
ABSENT_WAIT = 60.0  # seconds between two looks for a kind that the cluster does not have; it is one small request
CALM = 120.0  # seconds after which an end is a first one again
STOP_SECONDS = 10.0


class Group(NamedTuple):
    """Kinds that are watched together, where the API server knows the first of them.

    `optional`: a cluster without it is as it should be.
    """

    kinds: tuple[Kind, ...]
    optional: bool = False


ALWAYS = Group(WATCHED_KINDS)
GROUPS = (ALWAYS, *(Group((kind,), optional=True) for kind in OPTIONAL_KINDS))
GROUPS_WITH_PAGE = (*GROUPS, *(Group((kind,), optional=True) for kind in PAGE_KINDS))


class Watches:
    """What fills mirror and queue: for every namespace one kopf operator, or one for the whole cluster.

    kopf ends all watches of an operator when the API server answers one of them in a way that it does not know (404,
    an error in the stream, a token that is refused). Here that is one namespace, for as long as it lasts. A kind that
    not every cluster has is watched by a kopf operator of its own, which begins when the kind is installed; so are
    events, whose trouble must not end the watches that passes need.
    """

    def __init__(
        self, namespaces: Sequence[str], hub: Hub, knows: Callable[[Kind], bool], groups: Sequence[Group]
    ) -> None:
        """`knows`: whether the API server knows a kind, without which kopf would wait for nothing."""
        self.scopes: tuple[str | None, ...] = tuple(dict.fromkeys(namespaces)) or (None,)
        self._threads = [Watch(group, scope, hub, knows) for group in groups for scope in self.scopes]

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends the watches, waiting for at most 10 s in all."""
        for thread in self._threads:
            thread.stop()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def alive(self) -> bool:
        """Whether every thread lives."""
        return all(thread.is_alive() for thread in self._threads)


class Watch(threading.Thread):
    """The watches of one group of kinds in one namespace; None: in the whole cluster."""

    def __init__(self, group: Group, namespace: str | None, hub: Hub, knows: Callable[[Kind], bool]) -> None:
        super().__init__(name=f"watch-{group.kinds[0].plural}-{namespace or 'cluster'}", daemon=True)
        self._group = group
        self._namespace = namespace
        self._hub = hub
        self._knows = knows
        self._stopped = threading.Event()
        self._wake: Callable[[], object] = self._stopped.set

    def stop(self) -> None:
        """Asks the thread to end."""
        self._stopped.set()
        with contextlib.suppress(RuntimeError):  # its loop was closed meanwhile
            self._wake()

    @override
    def run(self) -> None:
        """Watches until it is stopped, whatever happens."""
        wait = FIRST_WAIT
        while not self._stopped.is_set():
            if self._group.optional and not self._is_known():
                self._stopped.wait(ABSENT_WAIT)
                continue
            began = time.monotonic()
            reason = self._watch()
            self._hub.ended(self._group.kinds, self._namespace)
            if self._stopped.is_set():
                return
            wait = FIRST_WAIT if time.monotonic() - began > CALM else wait
            where = f"namespace {self._namespace}" if self._namespace else "the cluster"
            what = f"{self._group.kinds[0].plural} of " if self._group.optional else ""
            log.error("Watching %s%s ended: %s. It starts again in %.0f s.", what, where, reason, wait)
            self._stopped.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    def _is_known(self) -> bool:
        """Whether there is anything to watch; an API server that does not answer is told of by the other watches."""
        try:
            return self._knows(self._group.kinds[0])
        except KubeError as error:
            log.debug("%s", error)
            return False

    def _watch(self) -> str:
        """Returns why the watches ended."""
        try:
            if not self._knows(self._group.kinds[0]):
                return (
                    f"the API server does not know {self._group.kinds[0].plural}; install the definition (crds.enabled)"
                )
            asyncio.run(self._operator())
        except KubeError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - kopf's own errors are private to it
            return f"{type(error).__name__}: {error}"
        return "kopf stopped"

    async def _operator(self) -> None:
        loop, flag = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(flag.set)
        if self._stopped.is_set():
            return
        await kopf.operator(
            registry=make_registry(self._group.kinds),
            settings=operator_settings(),
            memo=Memo(self._hub, self._namespace),
            standalone=True,
            # else kopf asks for the user's name, and the image's user has none; the type is private to kopf
            identity=FIELD_MANAGER,  # type: ignore[arg-type]
            clusterwide=self._namespace is None,
            namespaces=[self._namespace] if self._namespace else [],
            stop_flag=flag,
        )
