"""What the mirror has for people to look at. Nothing here asks the API server."""

from collections.abc import Collection

from paddle_serving_operator.constants import CONFIG_MAP, CONTROLLER_REVISION, EVENT, PADDLE_SERVICE, POD, Manifest
from paddle_serving_operator.observe.mirror import Mirror
from paddle_serving_operator.view.overview import Objects

SHOWN_KINDS = (PADDLE_SERVICE, CONTROLLER_REVISION, CONFIG_MAP, POD, EVENT)


class Showing:
    """The PaddleServices of the watched scopes: namespaces, or None for all of them."""

    def __init__(self, mirror: Mirror, scopes: Collection[str | None]) -> None:
        self._mirror = mirror
        self._watches = [(kind, scope) for kind in SHOWN_KINDS for scope in scopes]

    def services(self) -> list[Manifest]:
        """Every PaddleService."""
        return self._mirror.known(PADDLE_SERVICE, None)

    def objects(self, namespace: str, name: str) -> Objects | None:
        """A PaddleService and what belongs to it; None where there is none. The events are those of its namespace."""
        found = self._mirror.find(PADDLE_SERVICE, {"metadata": {"namespace": namespace, "name": name}})
        if found is None:
            return None
        revisions, reports, pods = (
            tuple(self._mirror.known(kind, namespace, name)) for kind in (CONTROLLER_REVISION, CONFIG_MAP, POD)
        )
        events = tuple(self._mirror.known(EVENT, namespace))
        return Objects(service=found, revisions=revisions, reports=reports, pods=pods, events=events)

    def gaps(self) -> tuple[str, ...]:
        """Sentences about what is not known, or perhaps not any more."""
        unread = () if self._mirror.wait(self._watches, 0) else ("The operator has not read everything yet.",)
        refused = self._mirror.refusals()
        old = [kind.plural for kind in SHOWN_KINDS if refused.get(kind.kind)]
        said = f"The API server does not tell of {', '.join(old)} at the moment; what is shown of them may be old."
        return (*unread, *((said,) if old else ()))
