"""What the session that kopf watches through sees, and what it leaves for kopf."""

import asyncio
from typing import Any, NamedTuple

import aiohttp
import pytest
from yarl import URL

from paddle_serving_operator.constants import PADDLE_SERVICE, POD, Kind, Manifest
from paddle_serving_operator.handlers.session import Listener, Reply, path_of

from .desk import Desk, child, new_desk
from .test_stream import Chunks, line


@pytest.fixture
def desk() -> Desk:
    return new_desk()


class Response:
    def __init__(self, status: int, content: object = None) -> None:
        self.status, self.ok, self._content = status, status < 400, content
        self.replaced: Any = None  # what kopf finds in it, where that is not what the API server wrote
        self.content: Any = Chunks(content if isinstance(content, list) else [])

    async def json(self) -> object:
        return self._content

    def release(self) -> None:
        """There is no connection."""


def ask(desk: Desk, url: str, *answers: Response | Exception) -> None:
    """What kopf's session does with requests of one scope, the next pages of a list among them."""
    listener = Listener(desk.hub, "default")
    for number, answer in enumerate(answers):
        asyncio.run(asked(listener, f"{url}&continue={number}" if number else url, answer))


async def asked(listener: Listener, url: str, answer: Response | Exception) -> None:
    """What kopf's session does with one request."""

    async def handler(_request: Any) -> Any:  # noqa: ANN401 - aiohttp's own
        if isinstance(answer, Exception):
            raise answer
        return answer

    class Request(NamedTuple):
        url: URL
        method: str = "GET"

    request: Any = Request(URL(f"https://host/k8s/clusters/c-1{url}"))  # an API server behind a path of its own
    await listener(request, handler)


PODS = "/api/v1/namespaces/default/pods?labelSelector=x"


def test_a_list_that_kopf_reads_fills_the_mirror_and_a_refusal_of_its_watch_empties_it_until_it_goes_on(
    desk: Desk,
) -> None:
    ask(desk, PODS, Response(200, {"metadata": {"resourceVersion": "7"}, "items": [child("ocr-1")]}))
    assert desk.mirror.holds(POD, "default")
    assert not desk.mirror.holds(POD, "other")
    ask(desk, f"{PODS}&watch=true", Response(403))
    assert not desk.mirror.holds(POD, "default")
    ask(desk, f"{PODS}&watch=true", Response(200))
    assert desk.mirror.holds(POD, "default")
    with pytest.raises(TimeoutError):
        ask(desk, f"{PODS}&watch=true", TimeoutError())
    assert not desk.mirror.holds(POD, "default")
    ask(desk, PODS, Response(200, {"metadata": {"resourceVersion": "9"}, "items": []}))
    assert desk.mirror.holds(POD, "default")
    assert desk.mirror.known(POD, "default") == []


def page(*items: Manifest, more: str = "") -> Response:
    return Response(200, {"metadata": {"resourceVersion": "7", "continue": more}, "items": [*items]})


def test_a_list_is_told_as_a_whole_and_kopf_makes_no_task_of_its_objects(desk: Desk) -> None:
    pages = page(child("ocr-1"), more="x"), page(child("ocr-2"), more="y"), page(child("ocr-3"))
    ask(desk, PODS, *pages[:2])
    assert not desk.mirror.holds(POD, "default")
    assert desk.due() == {}
    ask(desk, PODS, *pages)  # the one that broke off is forgotten
    assert {pod["metadata"]["name"] for pod in desk.mirror.known(POD, "default")} == {"ocr-1", "ocr-2", "ocr-3"}
    assert set(desk.due()) == {"default/ocr"}
    assert [read.replaced["items"] for read in pages] == [[], [], []]
    assert pages[0].replaced["metadata"]["continue"] == "x"


def test_a_page_of_a_list_that_began_in_another_session_is_no_list(desk: Desk) -> None:
    ask(desk, PODS, page(child("ocr-1"), child("ocr-2")))
    with pytest.raises(aiohttp.ClientPayloadError):
        ask(desk, f"{PODS}&continue=x", page(child("ocr-2")))
    assert len(desk.mirror.known(POD, "default")) == 2
    assert not desk.mirror.holds(POD, "default")  # until kopf has listed again


def test_a_page_that_has_expired_is_no_error_of_the_watches_but_a_list_that_begins_anew(desk: Desk) -> None:
    ask(desk, PODS, page(child("ocr-1"), child("ocr-2")))
    with pytest.raises(aiohttp.ClientPayloadError, match="the next page of the list of pods has expired"):
        ask(desk, PODS, page(child("ocr-2"), more="x"), Response(410))
    assert len(desk.mirror.known(POD, "default")) == 2
    assert not desk.mirror.holds(POD, "default")
    ask(desk, PODS, page(child("ocr-2"), more="y"), page(child("ocr-3")))
    assert {pod["metadata"]["name"] for pod in desk.mirror.known(POD, "default")} == {"ocr-2", "ocr-3"}


def test_kopf_finds_in_a_response_what_was_put_there() -> None:
    """Its session makes such responses; what they receive is read by aiohttp."""

    async def read() -> object:
        response = Reply.__new__(Reply)
        response.replaced = {"items": []}
        return await response.json()

    assert asyncio.run(read()) == {"items": []}
    assert issubclass(Reply, aiohttp.ClientResponse)


def test_a_change_that_a_watch_tells_is_heard_with_its_kind(desk: Desk) -> None:
    answer = Response(200, [line("ADDED", child("ocr-1"))])
    ask(desk, f"{PODS}&watch=true", answer)

    async def read() -> bytes:
        return b"".join([chunk async for chunk in answer.content.iter_chunked(1 << 20)])

    assert b"BOOKMARK" in asyncio.run(read())
    assert desk.due() == {"default/ocr": "Pod ocr-1 ADDED"}
    assert desk.mirror.known(POD, "default") == [child("ocr-1")]


def test_requests_about_anything_else_are_no_news(desk: Desk) -> None:
    for url in ("/api/v1", "/api/v1/namespaces/default/secrets", "/api/v1/pods"):
        ask(desk, url, Response(403))
    assert desk.mirror.wait([(POD, "default")], 0) is False


@pytest.mark.parametrize(
    ("kind", "scope", "path"),
    [
        (POD, None, "/api/v1/pods"),
        (PADDLE_SERVICE, "ml", "/apis/serving.paddlepaddle.org/v1alpha1/namespaces/ml/paddleservices"),
    ],
)
def test_kopf_asks_at_the_paths_that_are_listened_to(kind: Kind, scope: str | None, path: str) -> None:
    assert path_of(kind, scope) == path
