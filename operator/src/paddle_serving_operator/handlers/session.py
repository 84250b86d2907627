"""The HTTP session that kopf watches through. It sees what kopf does not tell: whole lists, and what is refused."""

from http import HTTPStatus

import aiohttp
import kopf
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from paddle_serving_operator.constants import Kind
from paddle_serving_operator.handlers.hub import Hub
from paddle_serving_operator.observe.mirror import OPTIONAL_KINDS, PAGE_KINDS, WATCHED_KINDS

FORBIDDEN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class Listener:
    """Passes on, of every request of one scope's watches, what it says about the kind. A middleware of aiohttp."""

    def __init__(self, hub: Hub, scope: str | None) -> None:
        self._hub = hub
        self._scope = scope
        self._kinds = {path_of(kind, scope): kind for kind in (*WATCHED_KINDS, *OPTIONAL_KINDS, *PAGE_KINDS)}

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """The response, of which a list was read already; kopf reads it again from memory."""
        kind = self._kind_of(request)
        if kind is None:
            return await handler(request)
        watches = "watch" in request.url.query
        try:
            response = await handler(request)
            if response.ok and not watches:
                await self._pass_on(kind, response)
        except BaseException:
            self._hub.refused(kind, self._scope, forbidden=False)
            raise
        if not response.ok:
            self._hub.refused(kind, self._scope, forbidden=response.status in FORBIDDEN)
        elif watches:
            self._hub.resumed(kind, self._scope)
        return response

    async def _pass_on(self, kind: Kind, response: ClientResponse) -> None:
        content = await response.json()
        version = content.get("metadata", {}).get("resourceVersion", "")
        self._hub.listed(kind, self._scope, content.get("items") or [], version)

    def _kind_of(self, request: ClientRequest) -> Kind | None:
        """The kind that is listed or watched; an API server may stand behind a path of its own."""
        if request.method != "GET":
            return None
        path = request.url.path
        return next((kind for suffix, kind in self._kinds.items() if path.endswith(suffix)), None)


def path_of(kind: Kind, scope: str | None) -> str:
    """The path of the objects of a kind, in one namespace or (None) in all."""
    prefix = "/apis" if "/" in kind.api_version else "/api"
    within = f"/namespaces/{scope}" if scope else ""
    return f"{prefix}/{kind.api_version}{within}/{kind.plural}"


def session_of(info: kopf.ConnectionInfo, listener: Listener) -> kopf.AiohttpSession:
    """The session that kopf would make of these credentials itself, with the listener in it. kopf closes it."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
        headers=info.as_http_headers(),
        proxy=info.proxy_url,
        trust_env=info.trust_env,
        middlewares=(listener,),
    )
    return kopf.AiohttpSession(
        server=info.server,
        aiohttp_session=session,
        priority=info.priority,
        default_namespace=info.default_namespace,
        expiration=info.expiration,
    )
