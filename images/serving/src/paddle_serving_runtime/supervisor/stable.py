"""The Service of the revision that serves now, asked by a pod of the one that is to follow it."""

import asyncio
import ssl
from dataclasses import dataclass, replace
from http import HTTPStatus

import orjson

from paddle_serving_runtime.evidence.report import MAX_NAME
from paddle_serving_runtime.front.refusals import LOOP
from paddle_serving_runtime.protocol import BadRequest
from paddle_serving_runtime.protocol.exchange import ASKING_POD, Exchange
from paddle_serving_runtime.supervisor.credentials import Credentials
from paddle_serving_runtime.supervisor.http_client import HttpAnswer, Outgoing, TooLongError, ask
from paddle_serving_runtime.supervisor.settings import StableService
from paddle_serving_runtime.words import counted

_LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
"""What is worth another attempt: a full queue, a pod that has just gone."""

_ATTEMPTS, _AGAIN_SECONDS = 5, 1.0
_CONNECT_SECONDS = 10.0
_ANSWER_BYTES = 256 * 1024 * 1024
_LINE_BYTES = 8 * 1024 * 1024
_NOT_TLS = "WRONG_VERSION_NUMBER"
"""OpenSSL's word for an answer in plain text."""

_BUFFER_BYTES = 96 * 1024 * 1024
"""64 MiB in base64, and the rest of their lines."""


class Unavailable(Exception):  # noqa: N818
    """There is nothing to compare with now; the message is a sentence."""


class SamePod(Exception):  # noqa: N818
    """The Service leads to the very pod that asks."""


class _NoTls(Exception):  # noqa: N818
    """Whoever answers does not speak TLS."""


@dataclass(frozen=True)
class Stable:
    """`pod` names the pod that asks, `seconds` is how long one answer may take, `credentials` are the pod's own."""

    service: StableService
    pod: str
    seconds: float
    credentials: Credentials

    async def answer(self, path: str, body: bytes) -> HttpAnswer:
        """The answer to a POST. Raises Unavailable and SamePod."""
        where = f"{self.service.host}:{self.service.http_port}{path}"
        request = Outgoing("POST", path, {"Content-Type": "application/json", ASKING_POD: self.pod}, body)
        for attempt in range(1, _ATTEMPTS + 1):
            answer = await self._ask_front(where, request)
            if answer.status == LOOP.status:
                raise SamePod
            if answer.status not in _LATER:
                return answer
            if attempt < _ATTEMPTS:
                await asyncio.sleep(_AGAIN_SECONDS)
        raise Unavailable(f"{where}: HTTP {answer.status}, {counted(_ATTEMPTS, 'time')} in a row.")

    async def kept(self, most: int) -> list[Exchange]:
        """At most so many requests with their answers, out of one of its pods. Raises Unavailable and SamePod."""
        where = f"{self.service.host}:{self.service.admin_port}/requests"
        lines = _Lines()
        request = Outgoing("GET", "/requests", {}, query=f"limit={most}")
        try:
            answer = await self._ask(where, self.service.admin_port, request, lines)
        except BadRequest as error:
            raise Unavailable(f"{where}: {error.message}.") from None
        if answer.status != HTTPStatus.OK:
            said = " ".join(answer.body[:200].decode(errors="replace").split())
            raise Unavailable(f"{where}: HTTP {answer.status} ({said}).")
        if lines.pod == self.pod:
            raise SamePod
        if not lines.complete:
            count = f"{len(lines.exchanges)} of {lines.promised} requests came" if lines.pod else "the answer is empty"
            raise Unavailable(f"{where}: {count}.")
        return lines.exchanges

    async def backend(self) -> str:
        """Which of Paddle's engines one of its pods says that it computes with; empty where none says it."""
        limit, request = _ANSWER_BYTES, Outgoing("GET", "/report", {})
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                answer = await ask(self.service.host, self.service.admin_port, request, limit)
                name = orjson.loads(answer.body)["backend"]
        except (TimeoutError, TooLongError, OSError, EOFError, orjson.JSONDecodeError, KeyError, TypeError):
            return ""
        return name if isinstance(name, str) and name.isidentifier() and len(name) <= MAX_NAME else ""

    async def _ask_front(self, where: str, request: Outgoing) -> HttpAnswer:
        """As this pod's own front is asked; the revision that serves may be one from before there was TLS.

        The key goes nowhere that is less safe than its place is here.
        """
        trusting, key = self.credentials.trusting(), self.credentials.key
        shown = replace(request, headers={**request.headers, **({"Authorization": f"Bearer {key}"} if key else {})})
        if trusting is None:
            return await self._ask(where, self.service.http_port, shown)
        try:
            return await self._ask(where, self.service.http_port, shown, tls=trusting)
        except _NoTls:
            return await self._ask(where, self.service.http_port, request)

    async def _ask(
        self,
        where: str,
        port: int,
        request: Outgoing,
        lines: "_Lines | None" = None,
        tls: ssl.SSLContext | None = None,
    ) -> HttpAnswer:
        limit, take = (_BUFFER_BYTES, lines.feed) if lines else (_ANSWER_BYTES, None)
        where = f"{'https' if tls else 'http'}://{where}"
        try:
            async with asyncio.timeout(self.seconds + _CONNECT_SECONDS):
                return await ask(self.service.host, port, request, limit, take, tls)
        except TimeoutError:
            raise Unavailable(f"{where}: no answer within {self.seconds + _CONNECT_SECONDS:g} s.") from None
        except TooLongError:
            raise Unavailable(f"{where}: the answer is longer than {counted(limit, 'byte')}.") from None
        except (OSError, EOFError) as error:
            if isinstance(error, ssl.SSLError) and error.reason == _NOT_TLS:
                raise _NoTls from None
            said = getattr(error, "strerror", None) or str(error)
            raise Unavailable(f"{where}: nobody answers ({said}).") from None


class _Lines:
    """The lines of GET /requests as their pieces come; none is kept longer than until it is read."""

    def __init__(self) -> None:
        self.pod = ""
        self.promised = -1
        self.exchanges: list[Exchange] = []
        self._rest = b""

    @property
    def complete(self) -> bool:
        """Whether as many came as were promised, and nothing behind them."""
        return len(self.exchanges) == self.promised and not self._rest

    def feed(self, piece: bytes) -> None:
        """Reads on. Raises BadRequest for a line that is none."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > _LINE_BYTES:
            raise BadRequest("a line is too long")
        for line in lines:
            if self.promised < 0:
                self._read_head(line)
            else:
                self.exchanges.append(Exchange.from_line(line))

    def _read_head(self, line: bytes) -> None:
        try:
            head = orjson.loads(line)
            pod, promised = head["pod"], head["requests"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            pod, promised = None, None
        if not isinstance(pod, str) or type(promised) is not int or promised < 0:
            raise BadRequest("the first line does not say whose requests follow and how many")
        self.pod, self.promised = pod, promised
