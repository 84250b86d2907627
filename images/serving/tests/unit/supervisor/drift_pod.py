"""A make-believe Service of the stable revision, make-believe workers of this pod, and its admin port between them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from images.serving.tests.unit.supervisor.test_replay_buffer import no_status
from paddle_serving_runtime.package.golden import Sample
from paddle_serving_runtime.protocol import pack_response
from paddle_serving_runtime.protocol.exchange import Exchange
from paddle_serving_runtime.supervisor.admin import AdminApp
from paddle_serving_runtime.supervisor.credentials import Credentials
from paddle_serving_runtime.supervisor.drifts import Drifts
from paddle_serving_runtime.supervisor.http_client import HttpAnswer
from paddle_serving_runtime.supervisor.readiness import Readiness
from paddle_serving_runtime.supervisor.settings import AccessFiles, StableService
from paddle_serving_runtime.supervisor.stable import Stable

SECONDS = 60.0
OPEN = Credentials(AccessFiles(), Path())
SAMPLES = (Sample("a.json", b'{"a"}'), Sample("b.json", b'{"b"}'))
PATH = "/svc/prediction"
Answer = tuple[int, bytes]


def score(value: float) -> bytes:
    return pack_response({"score": str([0.5, value])}, {})


def line(answer: bytes, path: str = PATH) -> bytes:
    return Exchange(path, {}, b'{"live"}', {}, answer).to_line()


def head(requests: int, pod: str = "other") -> bytes:
    return json.dumps({"pod": pod, "requests": requests}).encode() + b"\n"


GOOD = (200, score(0.25))


@dataclass
class Service:
    """Answers like the stable revision; `requests` are the heads of the requests that came, but for its report."""

    answer: Answer = GOOD
    kept: Answer = (200, head(0))
    report: bytes = b'{"backend": "OpenVINO"}'
    cut_off: int = 0
    silent: bool = False
    requests: list[bytes] = field(default_factory=list)
    held: asyncio.Event | None = None

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if request.startswith(b"GET /report "):
            writer.write(b"HTTP/1.1 200 X\r\ncontent-length: %d\r\n\r\n%b" % (len(self.report), self.report))
            writer.close()
            return
        self.requests.append(request)
        if self.silent:
            await asyncio.sleep(SECONDS)
        if self.held is not None:
            await self.held.wait()
        status, body = self.kept if request.startswith(b"GET") else self.answer
        length = len(body)
        writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (status, length, body[: length - self.cut_off]))
        writer.close()


class Own:
    """The workers of this pod: one answer for all, or none."""

    def __init__(self, answer: Answer | None = GOOD) -> None:
        self.answer = answer
        self.asked: list[tuple[str, bytes]] = []

    async def ask(self, path: str, _headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        self.asked.append((path, body))
        if self.answer is None:
            raise EOFError
        return HttpAnswer(self.answer[0], {}, self.answer[1])


def ready(reason: str = "") -> Any:  # noqa: ANN401 - a Status of which nothing else is asked
    status = no_status()
    status.readiness = lambda: Readiness(not reason, reason)
    return status


class Pod:
    """The admin port of a pod with this stable revision."""

    def __init__(self, port: int, own: Own, golden: tuple[Sample, ...] = SAMPLES, seconds: float = SECONDS) -> None:
        stable = Stable(StableService("127.0.0.1", port, port), "this-pod", seconds, OPEN)
        self.drifts = Drifts(stable, own, "svc", golden, "Default")  # type: ignore[arg-type]
        self.app = AdminApp(ready(), None, self.drifts)

    async def post(self, **question: object) -> tuple[int, dict[str, Any]]:
        return await post(self.app, json.dumps(question).encode())


async def post(app: AdminApp, body: bytes, method: str = "POST") -> tuple[int, dict[str, Any]]:
    sent: list[Any] = []

    async def send(message: Any) -> None:  # noqa: ANN401 - an ASGI message
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    await app({"type": "http", "method": method, "path": "/drift", "query_string": b""}, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


def with_service(service: Service, use: Callable[[int], Awaitable[Any]]) -> Any:  # noqa: ANN401 - what `use` gives
    async def run() -> Any:  # noqa: ANN401 - the same
        server = await asyncio.start_server(service.handle, "127.0.0.1", 0)
        async with asyncio.timeout(SECONDS):
            try:
                return await use(server.sockets[0].getsockname()[1])
            finally:
                server.close()

    return asyncio.run(run())


def asked(service: Service, own: Own | None = None, golden: tuple[Sample, ...] = SAMPLES, **question: object) -> Any:  # noqa: ANN401 - JSON
    return with_service(service, lambda port: Pod(port, own or Own(), golden).post(**question))
