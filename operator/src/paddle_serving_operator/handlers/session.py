"""The HTTP session that kopf watches through. What lists and watches say is taken here, and what is refused."""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

import aiohttp
import kopf
import orjson
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from typing_extensions import override

from paddle_serving_operator.constants import Kind, Manifest
from paddle_serving_operator.handlers.hub import Hub
from paddle_serving_operator.handlers.stream import Overheard
from paddle_serving_operator.observe.mirror import OPTIONAL_KINDS, PAGE_KINDS, WATCHED_KINDS

FORBIDDEN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class Reply(ClientResponse):
    """A response that whoever reads it next finds another content in."""

    replaced: Mapping[str, Any] | None = None

    @override
    async def json(self, **options: Any) -> Any:
        """The other content where there is one, else what was received."""
        return self.replaced if self.replaced is not None else await super().json(loads=orjson.loads, **options)


class Listener:
    """Passes on, of every request of one scope's watches, what it says about the kind. A middleware of aiohttp.

    kopf would make a task and a memory of its own for each object of a list, all of them at once: at the start with a
    thousand services more than everything else together. So lists are told from here, and kopf finds nothing in them;
    nor does it find the changes of a watch, of which it only learns how far they have come.
    """

    def __init__(self, hub: Hub, scope: str | None) -> None:
        self._hub = hub
        self._scope = scope
        self._kinds = {path_of(kind, scope): kind for kind in (*WATCHED_KINDS, *OPTIONAL_KINDS, *PAGE_KINDS)}
        self._pages: dict[Kind, list[Manifest]] = {}  # of lists that are not read to their end

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """The response; of a list kopf finds its version and no objects, of a watch versions and no changes."""
        kind = self._kind_of(request)
        if kind is None:
            return await handler(request)
        watches, goes_on = "watch" in request.url.query, "continue" in request.url.query
        try:
            response = await handler(request)
            if goes_on:
                _require_unexpired(kind, response)
            if response.ok and not watches:
                await self._pass_on(kind, response, first=not goes_on)
        except BaseException:
            self._hub.refused(kind, self._scope, forbidden=False)
            raise
        if not response.ok:
            self._hub.refused(kind, self._scope, forbidden=response.status in FORBIDDEN)
        elif watches:
            self._hub.resumed(kind, self._scope)
            # only kopf reads it, by what Overheard has
            response.content = Overheard(response.content, partial(self._hub.heard, kind))  # type: ignore[assignment]
        return response

    async def _pass_on(self, kind: Kind, response: ClientResponse, *, first: bool) -> None:
        """Takes a page of a list. Before the last one has come, nobody knows what is not there any more.

        Raises ClientPayloadError for a page whose list began in a session before this one; kopf lists again then.
        """
        content = await response.json()
        pages = [] if first else self._pages.pop(kind, None)
        if pages is None:
            raise aiohttp.ClientPayloadError(f"the list of {kind.plural} began in another session")
        pages += self._hub.compact(kind, content.get("items") or ())
        about = content.get("metadata") or {}
        if about.get("continue"):
            self._pages[kind] = pages
        else:
            self._pages.pop(kind, None)
            self._hub.listed(kind, self._scope, pages, about.get("resourceVersion", ""))
        response.replaced = content | {"items": []}  # type: ignore[attr-defined] # a `Reply`, by `session_of`

    def _kind_of(self, request: ClientRequest) -> Kind | None:
        """The kind that is listed or watched; an API server may stand behind a path of its own."""
        if request.method != "GET":
            return None
        path = request.url.path
        return next((kind for suffix, kind in self._kinds.items() if path.endswith(suffix)), None)


def _require_unexpired(kind: Kind, page: ClientResponse) -> None:
    """Raises ClientPayloadError where the next page of a list has expired: kopf begins the list anew then.

    Of the API server's own answer it would end every watch of the scope.
    """
    if page.status == HTTPStatus.GONE:
        page.release()
        raise aiohttp.ClientPayloadError(f"the next page of the list of {kind.plural} has expired")


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
        response_class=Reply,
    )
    return kopf.AiohttpSession(
        server=info.server,
        aiohttp_session=session,
        priority=info.priority,
        default_namespace=info.default_namespace,
        expiration=info.expiration,
    )
