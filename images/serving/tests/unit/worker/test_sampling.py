"""What a worker hands over of the requests that it has answered, and what never."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from paddle_serving_runtime.link.sample import receive_samples
from paddle_serving_runtime.protocol.exchange import Exchange
from paddle_serving_runtime.worker.http import Handler, HttpReply, HttpRequest, Respond
from paddle_serving_runtime.worker.sampling import MAX_BYTES, Sampler, sampled

GOOD = HttpReply(200, ((b"content-type", b"application/json"), (b"x-measured", b"10 1 0 ok 1")), b"answer")
BAD = HttpReply(200, ((b"x-measured", b"10 1 0 failed 1"),), b"error")
REFUSED = HttpReply(400, (), b"error")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    here.settimeout(0)
    with here, there:
        yield here, there


def answering(*replies: HttpReply) -> Handler:
    left = iter(replies)

    def handle(_request: HttpRequest, respond: Respond) -> None:
        respond(next(left))

    return handle


def request(body: bytes = b"question", **headers: str) -> HttpRequest:
    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return HttpRequest("POST", "/svc/p", {b"x-request-id": b"r-1", **given}, body)


def received(channel: socket.socket) -> list[tuple[float, Exchange]]:
    found: list[tuple[float, Exchange]] = []
    while samples := receive_samples(channel):
        found += [(sample.drawn, Exchange.unpack(sample.packed)) for sample in samples]
    return found


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_request_is_handed_over_with_its_answer_and_without_its_other_headers(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    here, there = pair
    replies: list[HttpReply] = []
    handler = sampled(answering(GOOD), Sampler(there, 3, lambda: 0.25))
    handler(request(content_type="application/json", authorization="secret"), replies.append)
    assert replies == [GOOD]
    ((drawn, exchange),) = received(here)
    assert drawn == 0.25
    kind = {"content-type": "application/json"}
    assert exchange == Exchange("/svc/p", kind, b"question", kind, b"answer")


def test_only_what_clients_ask_and_what_is_answered_well_is_handed_over(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    here, there = pair
    handler = sampled(answering(BAD, REFUSED, GOOD), Sampler(there, 3, lambda: 0.0))
    replies: list[HttpReply] = []
    handler(request(), replies.append)
    handler(request(), replies.append)
    handler(HttpRequest("POST", "/svc/p", {}, b"the supervisor's"), replies.append)
    assert replies == [BAD, REFUSED, GOOD]
    assert received(here) == []


def test_what_cannot_be_among_the_lowest_is_not_copied(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    draws = iter([0.5, 0.9, 0.7, 0.95, 0.6, 0.1, 0.55])
    sampler = Sampler(there, 2, lambda: next(draws))
    for _ in range(7):
        sampler.offer(request(), GOOD)
    assert [drawn for drawn, _ in received(here)] == [0.5, 0.9, 0.7, 0.6, 0.1]


def test_a_request_that_is_very_long_is_not_kept(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    sampler = Sampler(there, 2, lambda: 0.1)
    sampler.offer(request(bytes(MAX_BYTES)), GOOD)
    assert received(here) == []
    sampler.offer(request(bytes(MAX_BYTES - len(GOOD.body))), GOOD)
    assert len(received(here)) == 1


def test_a_supervisor_that_does_not_keep_up_or_has_ended_costs_no_request(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    here, there = pair
    descriptors = open_descriptors()
    sampler = Sampler(there, 2000, lambda: 0.5)
    for _ in range(1500):
        sampler.offer(request(), GOOD)
    found = received(here)
    assert 0 < len(found) < 1500
    here.close()
    sampler.offer(request(), GOOD)
    assert open_descriptors() <= descriptors
