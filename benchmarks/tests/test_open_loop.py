import asyncio
from contextlib import suppress
from dataclasses import replace

from benchmarks.open_loop import Outcome, offer
from benchmarks.payload import Payload

REQUEST = Payload("JSON", "/m/prediction", (("content-type", "application/json"),), b"{}", grpc=False)


async def _serve_and_offer(answers: list[bytes], rate: float, seconds: float) -> Outcome:
    left = list(answers)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"content-length: 2" in head
            await reader.readexactly(2)
            answer = left.pop(0) if left else b""
            writer.write(answer)
            if not answer or b"close" in answer:
                writer.close()
                return

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    # far below the time that an answer may take: a lost request must not be waited for
    async with server, asyncio.timeout(25):
        return await offer([REQUEST], server.sockets[0].getsockname()[1], rate, seconds)


def test_answers_are_counted_by_status_and_what_has_none_is_lost() -> None:
    good = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    full = b"HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"
    outcome = asyncio.run(_serve_and_offer([good, full, good], 40, 0.1))
    rows = outcome.to_json()
    assert {status: row["count"] for status, row in rows["by_status"].items()} == {"200": 2, "429": 1}
    assert rows["lost"] == 1


def test_a_port_where_nobody_listens_loses_every_request() -> None:
    outcome = asyncio.run(offer([REQUEST], 9, 50, 0.1))
    assert outcome.lost == 5
    assert outcome.ends == []


def test_a_rate_counts_only_what_was_complete_in_time() -> None:
    outcome = Outcome(ends=[(0.5, 200), (1.5, 200), (1.6, 429), (1.7, 200), (2.5, 200)])
    assert outcome.rate(200, 1.0, 2.0) == 2.0


def test_requests_of_several_payloads_take_turns() -> None:
    seen: list[bytes] = []

    async def serve_and_offer() -> None:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(asyncio.IncompleteReadError):
                while head := await reader.readuntil(b"\r\n\r\n"):
                    seen.append(head.split()[1])
                    await reader.readexactly(2)
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        async with server, asyncio.timeout(25):
            payloads = [replace(REQUEST, path=path) for path in ("/a", "/b")]
            await offer(payloads, server.sockets[0].getsockname()[1], 40, 0.1)

    asyncio.run(serve_and_offer())
    assert sorted(seen) == [b"/a", b"/a", b"/b", b"/b"]
