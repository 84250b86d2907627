"""The parts of the Open Inference Protocol's REST form that ask nothing of a worker."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import orjson

from paddle_serving_runtime.protocol.paths import ONLY_GET, ONLY_POST, open_inference_methods
from paddle_serving_runtime.supervisor.admin import Message
from paddle_serving_runtime.supervisor.control.configuration import configuration
from paddle_serving_runtime.supervisor.control.state import NAME, NoModelError, State

_NO_PATH = {"error": "no such path; there are health, metadata, config, stats, ready, infer and repository/index"}
_ONE_REPOSITORY = {"error": "there is one repository, which has no name: POST /v2/repository/index"}
_MAX_INDEX_BYTES = 64 * 1024
_SLASHES_OF_INDEX = 3

Answer = tuple[HTTPStatus, dict[str, Any] | list[dict[str, str]]]
Receive = Callable[[], Awaitable[Message]]


class ControlApp:
    """ASGI: GET of /v2, /v2/health/{live,ready}, /v2/models/{model}[/versions/{version}][/{ready,config,stats}].

    /v2/models/stats are the statistics of every model. POST of /v2/repository/index.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    async def __call__(self, scope: Message, receive: Receive, send: Callable[[Message], Awaitable[None]]) -> None:
        """Handles one HTTP request."""
        if scope["type"] != "http":
            return
        path = scope["raw_path"].decode("latin-1").rstrip("/")
        request = await _body(receive) if scope["method"] == "POST" else b""
        status, content = await answer(self._state, scope["method"], path, request)
        body = orjson.dumps(content)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append((b"allow", ", ".join(open_inference_methods(path)).encode()))
        await send({"type": "http.response.start", "status": int(status), "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def _body(receive: Receive) -> bytes:
    """What was sent, which is cut at one byte more than is read of it."""
    body = b""
    while len(body) <= _MAX_INDEX_BYTES:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body[: _MAX_INDEX_BYTES + 1]


async def answer(state: State, method: str, path: str, body: bytes = b"") -> Answer:
    """Status and body for a method and an encoded path without a slash at its end."""
    methods = open_inference_methods(path)
    if methods and method not in methods:
        return HTTPStatus.METHOD_NOT_ALLOWED, {"error": ONLY_POST if "POST" in methods else ONLY_GET}
    try:
        if methods == ("POST",):
            return _index(state, path, body)
        return await _answer(state, [unquote(part) for part in path.split("/")])
    except NoModelError as error:
        return HTTPStatus.NOT_FOUND, {"error": str(error)}


async def _answer(state: State, parts: list[str]) -> Answer:
    match parts:
        case ["", "v2"]:
            return HTTPStatus.OK, {"name": NAME, "version": state.version, "extensions": list(state.extensions)}
        case ["", "v2", "health", "live"]:
            return _yes_or_no("live", yes=state.live())
        case ["", "v2", "health", "ready"]:
            return _yes_or_no("ready", yes=state.ready())
        case ["", "v2", "models", name, "versions", version, *rest]:
            return await _about(state, name, version, rest)
        case ["", "v2", "models", name, *rest]:
            return await _about(state, name, "", rest)
        case _:
            return HTTPStatus.NOT_FOUND, _NO_PATH


async def _about(state: State, name: str, version: str, rest: list[str]) -> Answer:
    match rest:
        case [] if name == "stats" and not version:
            # of every model, as in Triton; a model of this name is asked with its version
            return HTTPStatus.OK, await state.statistics("", "")
        case []:
            return HTTPStatus.OK, state.model(name, version).as_json()
        case ["config"]:
            return HTTPStatus.OK, configuration(state.model(name, version))
        case ["stats"]:
            return HTTPStatus.OK, await state.statistics(state.model(name, version).name, version)
        case ["ready"]:
            model = state.model(name, version)
            status, ready = _yes_or_no("ready", yes=state.ready())
            return status, {"name": model.name, **ready}
        case _:
            return HTTPStatus.NOT_FOUND, _NO_PATH


def _index(state: State, path: str, body: bytes) -> Answer:
    """The body may be empty, or an object whose `ready` asks for models that are ready alone."""
    if path.count("/") > _SLASHES_OF_INDEX:
        return HTTPStatus.BAD_REQUEST, _ONE_REPOSITORY
    try:
        request = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError:
        return HTTPStatus.BAD_REQUEST, {"error": "the body is not JSON"}
    ready = request.get("ready") if isinstance(request, dict) else ""
    if len(body) > _MAX_INDEX_BYTES or not isinstance(ready, bool | None):
        return HTTPStatus.BAD_REQUEST, {"error": 'the body must be an object, in which "ready" is true or false'}
    return HTTPStatus.OK, state.index(only_ready=bool(ready))


def _yes_or_no(what: str, *, yes: bool) -> tuple[HTTPStatus, dict[str, bool]]:
    return (HTTPStatus.OK if yes else HTTPStatus.SERVICE_UNAVAILABLE), {what: yes}
