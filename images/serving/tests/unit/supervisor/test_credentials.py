"""The files of certificate and API keys: what is refused, what is told to the front, and what is trusted."""

import asyncio
import hashlib
import re
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from images.serving.tests.certificates import write_certificate
from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.front import FrontError
from paddle_serving_runtime.supervisor.credentials import Credentials, certificate_of
from paddle_serving_runtime.supervisor.http_client import HttpAnswer
from paddle_serving_runtime.supervisor.settings import AccessFiles, StableService
from paddle_serving_runtime.supervisor.stable import Stable, Unavailable

KEY, OTHER = "0123456789abcdef", "fedcba9876543210"
PLAIN = b"HTTP/1.1 400 Bad request\r\nContent-Length: 0\r\n\r\n"


def hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest().upper()


@pytest.fixture
def files(tmp_path: Path) -> AccessFiles:
    (tmp_path / "keys").write_text(f"{KEY}\n\n{OTHER}\n")
    return AccessFiles(*write_certificate(tmp_path, "one"), tmp_path / "keys")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "run"
    made.mkdir()
    return made


class Front:
    """What a front is told; one that is `deaf` does not do it."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.told: list[tuple[str, Path, Any]] = []
        self._deaf = deaf

    async def tell(self, command: Callable[["Front"], Awaitable[None]]) -> None:
        if self._deaf:
            raise FrontError("HAProxy did not take the certificate")
        await command(self)

    async def take_certificate(self, path: Path, pem: str) -> None:
        self.told.append(("certificate", path, pem))

    async def take_keys(self, path: Path, hashes: tuple[str, ...]) -> None:
        self.told.append(("keys", path, hashes))


def look(credentials: Credentials) -> list[tuple[str, Path, Any]]:
    front = Front()
    asyncio.run(credentials.look(front))  # type: ignore[arg-type] # all that it is asked for
    return front.told


def test_without_files_there_is_nothing(folder: Path) -> None:
    credentials = Credentials(AccessFiles(), folder)
    assert (credentials.access.certificate, credentials.access.keys) == (None, None)
    assert (credentials.key, credentials.trusting(), list(folder.iterdir())) == ("", None, [])
    assert look(credentials) == []


def test_the_front_gets_certificate_and_key_in_one_file_and_no_api_key_but_hashes(
    files: AccessFiles, folder: Path
) -> None:
    credentials = Credentials(files, folder)
    assert credentials.access.certificate is not None
    assert credentials.access.keys is not None
    assert credentials.access.certificate.read_text().count("-----BEGIN") == 2
    assert credentials.access.keys.read_text().split() == [hashed(KEY), hashed(OTHER)]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert credentials.key == KEY


def test_what_has_changed_is_told_once_and_is_in_the_files_of_the_next_front(
    files: AccessFiles, folder: Path, tmp_path: Path
) -> None:
    credentials = Credentials(files, folder)
    assert look(credentials) == []
    write_certificate(tmp_path, "two")
    (tmp_path / "keys").write_text(OTHER)
    (one, path, pem), (other, keys, hashes) = look(credentials)
    assert (one, other, hashes) == ("certificate", "keys", (hashed(OTHER),))
    assert path.read_text() == pem == certificate_of(files)
    assert keys.read_text() == f"{hashed(OTHER)}\n"
    assert look(credentials) == []


def test_what_the_front_does_not_take_is_told_again(files: AccessFiles, folder: Path, tmp_path: Path) -> None:
    credentials = Credentials(files, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_certificate(tmp_path, "two")
    with pytest.raises(FrontError):
        asyncio.run(credentials.look(Front(deaf=True)))  # type: ignore[arg-type] # as above
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [kind for kind, _, _ in look(credentials)] == ["certificate"]


def test_what_cannot_be_used_changes_nothing(files: AccessFiles, folder: Path, tmp_path: Path) -> None:
    credentials = Credentials(files, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    key = (tmp_path / "tls.key").read_bytes()
    write_certificate(tmp_path, "two")
    (tmp_path / "tls.key").write_bytes(key)
    with pytest.raises(InvalidOption, match="are not a certificate and its key"):
        look(credentials)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("keys", "", "it has 0 keys; write 1 to 100 of them, a line each"),
        ("keys", "short-secret", "line 1 is no key of 16 to 512 characters"),
        ("keys", f"{KEY}\nsecret key of words", "line 2 is no key"),
        ("keys", "\u00e4" * 20, "cannot be read: it is not text"),
        ("keys", "\n".join(f"{number:016}" for number in range(101)), "it has 101 keys"),
        ("tls.crt", "secret", "are not a certificate and its key"),
        ("tls.key", "secret", "are not a certificate and its key"),
        ("tls.key", None, "--tls-key .* cannot be read: No such file"),
        ("keys", None, "--api-key-file .* cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_said_without_a_secret(
    files: AccessFiles, tmp_path: Path, name: str, content: str | None, sentence: str
) -> None:
    (tmp_path / name).unlink() if content is None else (tmp_path / name).write_text(content)
    with pytest.raises(InvalidOption) as error:
        Credentials(files, tmp_path / "run")
    assert re.search(sentence, error.value.message)
    assert not re.search(f"secret|{KEY}|PRIVATE", error.value.message)


Asked = list[tuple[bool, bytes]]


def ask(credentials: Credentials, *, tls: ssl.SSLContext | None, answer: bytes) -> tuple[HttpAnswer | str, Asked]:
    """What a pod with these credentials gets from one that answers like this, and how and with what it was asked."""
    asked: Asked = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((tls is not None, await reader.readuntil(b"\r\n\r\n")))
        writer.write(answer)
        writer.close()

    async def both() -> HttpAnswer | str:
        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as server:
            port = server.sockets[0].getsockname()[1]
            try:
                return await Stable(StableService("127.0.0.1", port, port), "pod", 60.0, credentials).answer("/p", b"")
            except Unavailable as error:
                return str(error)

    return asyncio.run(both()), asked


def shown(pem: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    return context


GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def test_a_pod_of_the_same_service_is_asked_with_the_key_over_tls(files: AccessFiles, folder: Path) -> None:
    assert files.certificate is not None
    assert files.key is not None
    answer, asked = ask(Credentials(files, folder), tls=shown(files.certificate, files.key), answer=GOOD)
    assert isinstance(answer, HttpAnswer)
    ((over_tls, head),) = asked
    assert over_tls
    assert f"Authorization: Bearer {KEY}".encode() in head


def test_a_pod_that_shows_another_certificate_is_not_asked(files: AccessFiles, folder: Path, tmp_path: Path) -> None:
    credentials = Credentials(files, folder)
    answer, asked = ask(credentials, tls=shown(*write_certificate(tmp_path, "other")), answer=GOOD)
    assert "nobody answers" in str(answer)
    assert asked == []


def test_the_key_is_never_sent_in_plain_text_by_who_has_tls(files: AccessFiles, folder: Path) -> None:
    """A revision from before there was TLS is asked without it."""

    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.read(5)
        if head == b"POST ":
            head += await reader.readuntil(b"\r\n\r\n")
            asked.append(head)
        writer.write(GOOD if head[:4] == b"POST" else PLAIN)
        writer.close()

    async def both() -> HttpAnswer:
        async with await asyncio.start_server(old, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            stable = Stable(StableService("127.0.0.1", port, port), "pod", 60.0, Credentials(files, folder))
            return await stable.answer("/p", b"")

    asked: list[bytes] = []
    assert asyncio.run(both()).status == 200
    (head,) = asked
    assert b"uthorization" not in head


def test_without_tls_a_key_is_shown_as_clients_show_it(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "keys").write_text(KEY)
    answer, asked = ask(Credentials(AccessFiles(api_keys=tmp_path / "keys"), folder), tls=None, answer=GOOD)
    assert isinstance(answer, HttpAnswer)
    assert f"Authorization: Bearer {KEY}".encode() in asked[0][1]
