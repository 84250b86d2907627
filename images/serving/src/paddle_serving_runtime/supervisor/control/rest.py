"""`GET /v2...`: the parts of the Open Inference Protocol's REST form that ask nothing of a worker."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import orjson

from paddle_serving_runtime.protocol.paths import ONLY_GET, ONLY_POST, open_inference_methods
from paddle_serving_runtime.supervisor.admin import Message
from paddle_serving_runtime.supervisor.control.state import NAME, NoModelError, State

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
        path = scope["raw_path"].decode("latin-1").rstrip("/")
        status, content = answer(self._state, scope["method"], path)
        body = orjson.dumps(content)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append((b"allow", ", ".join(open_inference_methods(path)).encode()))
        await send({"type": "http.response.start", "status": int(status), "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def answer(state: State, method: str, path: str) -> Answer:
    """Status and body for a method and an encoded path without a slash at its end."""
    methods = open_inference_methods(path)
    if methods and method not in methods:
        return HTTPStatus.METHOD_NOT_ALLOWED, {"error": ONLY_POST if "POST" in methods else ONLY_GET}
    try:
        return _answer(state, [unquote(part) for part in path.split("/")])
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
        case _:
            return HTTPStatus.NOT_FOUND, _NO_PATH


def _yes_or_no(what: str, *, yes: bool) -> Answer:
    return (HTTPStatus.OK if yes else HTTPStatus.SERVICE_UNAVAILABLE), {what: yes}
