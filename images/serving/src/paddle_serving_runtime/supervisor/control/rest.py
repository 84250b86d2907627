"""`GET /v2...`: the parts of the Open Inference Protocol's REST form that ask nothing of a worker."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import orjson

from paddle_serving_runtime.supervisor.admin import Message
from paddle_serving_runtime.supervisor.control.state import NAME, NoModelError, State

_READING = frozenset({"GET", "HEAD"})
_POST_ONLY = {"error": "only POST is answered"}
_NO_PATH = {"error": "no such path; there are health, metadata, ready and infer"}

Answer = tuple[HTTPStatus, dict[str, Any]]


class ControlApp:
    """ASGI: GET of /v2, /v2/health/{live,ready}, /v2/models/{model}[/versions/{version}][/ready]."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def __call__(
        self, scope: Message, _receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Handles one HTTP request."""
        if scope["type"] != "http":
            return
        status, content = answer(self._state, scope["method"], scope["raw_path"].decode("latin-1"))
        body = orjson.dumps(content)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append((b"allow", b"POST" if scope["method"] in _READING else b"GET, HEAD"))
        await send({"type": "http.response.start", "status": int(status), "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def answer(state: State, method: str, path: str) -> Answer:
    """Status and body for a method and an encoded path."""
    if method not in _READING:
        return HTTPStatus.METHOD_NOT_ALLOWED, {"error": "only GET; inference is POST /v2/models/<model>/infer"}
    try:
        return _answer(state, [unquote(part) for part in path.rstrip("/").split("/")])
    except NoModelError as error:
        return HTTPStatus.NOT_FOUND, {"error": str(error)}


def _answer(state: State, parts: list[str]) -> Answer:
    match parts:
        case ["", "v2"]:
            return HTTPStatus.OK, {"name": NAME, "version": state.version, "extensions": list(state.extensions)}
        case ["", "v2", "health", "live"]:
            return _yes_or_no("live", yes=state.live())
        case ["", "v2", "health", "ready"]:
            return _yes_or_no("ready", yes=state.ready())
        case ["", "v2", "models", name, "versions", version, *rest]:
            return _about(state, name, version, rest)
        case ["", "v2", "models", name, *rest]:
            return _about(state, name, "", rest)
        case _:
            return HTTPStatus.NOT_FOUND, _NO_PATH


def _about(state: State, name: str, version: str, rest: list[str]) -> Answer:
    match rest:
        case []:
            return HTTPStatus.OK, state.model(name, version).as_json()
        case ["ready"]:
            model = state.model(name, version)
            status, ready = _yes_or_no("ready", yes=state.ready())
            return status, {"name": model.name, **ready}
        case ["infer"]:
            return HTTPStatus.METHOD_NOT_ALLOWED, _POST_ONLY
        case _:
            return HTTPStatus.NOT_FOUND, _NO_PATH


def _yes_or_no(what: str, *, yes: bool) -> Answer:
    return (HTTPStatus.OK if yes else HTTPStatus.SERVICE_UNAVAILABLE), {what: yes}
