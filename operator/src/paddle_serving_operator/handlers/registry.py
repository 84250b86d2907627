"""kopf, and only here: what it watches, and how."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import kopf

from paddle_serving_operator.constants import EVENT, LABEL_SERVICE, PADDLE_SERVICE, Kind
from paddle_serving_operator.handlers.hub import Hub
from paddle_serving_operator.handlers.session import Listener, session_of
from paddle_serving_operator.observe.mirror import EVERYBODYS, OPTIONAL_KINDS, WATCHED_KINDS

WATCH_SECONDS = 600  # whole seconds: kopf writes it into the URL as it is
CONNECT_SECONDS = 10
REQUEST_SECONDS = 30
PAGE = 100  # objects of a list that are in memory as the API server wrote them; a pod is some ten kilobytes
FIRST_RETRY, LONGEST_RETRY = 1.0, 30.0  # seconds


class Retries:
    """Seconds between the attempts of a request that is refused or not answered: 1, 2, 4, ... 30, without an end.

    With kopf's own, which end after a minute, one watch that is refused (403) or an API server that is away for longer
    would end all watches.
    """

    def __iter__(self) -> Iterator[float]:
        """Anew for every request."""
        wait = FIRST_RETRY
        while True:
            yield wait
            wait = min(wait * 2, LONGEST_RETRY)


@dataclass(frozen=True, slots=True)
class Memo:
    """What one scope's session is made from."""

    hub: Hub
    scope: str | None


def operator_settings() -> kopf.OperatorSettings:
    """Kopf's settings: it watches and tells, and never writes to an object."""
    settings = kopf.OperatorSettings()
    settings.peering.standalone = (
        True  # a second operator is harmless; an object named "default" must not stop this one
    )
    settings.posting.enabled = False  # log lines are no events
    settings.scanning.disabled = True  # no rights on namespaces and CRDs needed; the CRD is checked at the start
    settings.watching.server_timeout = WATCH_SECONDS
    settings.watching.client_timeout = WATCH_SECONDS + CONNECT_SECONDS
    settings.watching.connect_timeout = CONNECT_SECONDS
    settings.watching.chunk_size = PAGE
    settings.networking.connect_timeout = CONNECT_SECONDS
    settings.networking.request_timeout = REQUEST_SECONDS
    settings.networking.error_backoffs = Retries()
    settings.process.ultimate_exiting_timeout = None  # it would kill the process, where only watches start anew
    for kind in (*WATCHED_KINDS, *OPTIONAL_KINDS):
        if kind not in EVERYBODYS:
            settings.watching.label_selectors[*_group_version(kind), kind.plural] = LABEL_SERVICE
    # events carry no label, and those about everything else are many
    settings.watching.field_selectors[*_group_version(EVENT), EVENT.plural] = f"regarding.kind={PADDLE_SERVICE.kind}"
    return settings


def make_registry(kinds: Iterable[Kind]) -> kopf.OperatorRegistry:
    """What kopf needs to watch these kinds. Nothing is registered at import, so that every test has its own."""
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry, id="login", errors=kopf.ErrorsMode.PERMANENT)(login)
    for kind in kinds:
        kopf.on.event(*_group_version(kind), kind.plural, registry=registry, id=kind.plural)(unheard)
    return registry


def _group_version(kind: Kind) -> tuple[str, str]:
    """The group ("" for the core's) and the version of a kind."""
    group, _, version = kind.api_version.rpartition("/")
    return group, version


async def login(settings: kopf.OperatorSettings, memo: Memo, **_: object) -> kopf.AiohttpSession | None:
    """The service account of the pod, else the kubeconfig; nothing is guessed from installed libraries."""
    info = kopf.login_with_service_account(settings=settings) or kopf.login_with_kubeconfig(settings=settings)
    return session_of(info, Listener(memo.hub, memo.scope)) if info else None


async def unheard(**_: object) -> None:
    """Does nothing: kopf watches what has a handler, and the session tells of every change before."""
