"""Packages in an archive that a web server has, a good one or one that misbehaves."""

import gzip
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from images.serving.tests.unit.fetch.fetching import NO_DIGEST, contents, expected, run, tar_of, zip_of
from paddle_serving_runtime.errors import ModelUnavailable
from paddle_serving_runtime.fetch import transfer, web
from paddle_serving_runtime.fetch.archive import Limits
from paddle_serving_runtime.fetch.transfer import Pace, Progress
from paddle_serving_runtime.fetch.web import Address, from_http, shown_url
from paddle_serving_runtime.package.manifest import write


@pytest.mark.parametrize(
    "pack",
    [
        tar_of,
        zip_of,
        lambda package: tar_of(package, "ocr-rec"),
        lambda package: zip_of(package, "v2/"),
        lambda package: tar_of(package, mode="w"),
    ],
    ids=["tar.gz", "zip", "tar.gz with a folder around", "zip with a folder around", "tar"],
)
def test_an_archive_is_downloaded_and_unpacked(
    package: Path, tmp_path: Path, web: tuple[str, dict[str, bytes]], pack: Callable[[Path], bytes]
) -> None:
    digest = write(package)
    url, files = web
    files["/model"] = pack(package)
    assert run("--from-http", f"{url}/model?token=secret", "--digest", digest, "--output", tmp_path / "out") == 0
    assert contents(tmp_path / "out") == expected(package)


def test_http_errors_carry_status_and_address_but_no_secret(
    tmp_path: Path, web: tuple[str, dict[str, bytes]], message: Path, package: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    url, files = web
    files["/cut.tar.gz"] = tar_of(package)
    files["/text"] = b"<html>not an archive</html>"
    secret = url.replace("http://", "http://user:password@")
    for path, reason in (
        ("/nothing.tar.gz", "HTTP 404"),
        ("/cut.tar.gz", "1000 more expected"),
        ("/text", "archive is broken"),
    ):
        address = f"{secret}{path}?token=hidden"
        assert run("--from-http", address, "--digest", "sha256:" + "0" * 64, "--output", tmp_path / "out") == 1
        text = message.read_text()
        assert text.startswith("ModelUnavailable: ")
        assert reason in text
        assert list((tmp_path / "out").iterdir()) == []
    said = capfd.readouterr()
    assert "password" not in said.out + said.err
    assert "hidden" not in said.out + said.err
    nowhere = "http://user:password@127.0.0.1:9/x?token=hidden"
    assert run("--from-http", nowhere, "--digest", "sha256:" + "0" * 64, "--output", tmp_path / "o") == 1
    assert "GET http://127.0.0.1:9/x failed" in message.read_text()
    assert "hidden" not in message.read_text()
    assert run("--from-http", "ftp://x/y", "--digest", "sha256:" + "0" * 64, "--output", tmp_path / "o") == 2


def test_an_address_is_shown_without_user_password_and_query() -> None:
    assert shown_url("https://u:p@host:8443/a/b.zip?X-Signature=1#f") == "https://host:8443/a/b.zip"


class RawHandler(http.server.BaseHTTPRequestHandler):
    """Answers with whole responses, byte for byte as they are written here."""

    answers: dict[str, bytes]
    wait: threading.Event

    def do_GET(self) -> None:
        answer = self.answers[self.path]
        self.wfile.write(answer.removesuffix(b"..."))
        self.wfile.flush()
        if answer.endswith(b"..."):
            self.wait.wait(60)
        self.close_connection = True

    @override
    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def raw() -> Iterator[tuple[str, dict[str, bytes], threading.Event]]:
    answers: dict[str, bytes] = {}
    released = threading.Event()
    handler = type("H", (RawHandler,), {"answers": answers, "wait": released})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", answers, released
    released.set()
    server.shutdown()
    thread.join()
    server.server_close()


Raw = tuple[str, dict[str, bytes], threading.Event]


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("file:///srv/other", "failed: InvalidSchema"),
        ("ftp://127.0.0.1/a.zip", "failed: InvalidSchema"),
        ("/model", "failed: TooManyRedirects"),
        ("http://", "failed: "),
        ("http://[::1/a.zip", "failed: ValueError: Invalid IPv6 URL"),
    ],
)
def test_a_redirect_leads_to_http_only_and_not_in_circles(
    raw: Raw, tmp_path: Path, message: Path, location: str, sentence: str
) -> None:
    url, answers, _ = raw
    answers["/model"] = (
        f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode()
    )
    assert run("--from-http", f"{url}/model", "--digest", NO_DIGEST, "--output", tmp_path / "out") == 1
    assert sentence in message.read_text()
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_server_says_is_nothing_that_a_terminal_obeys(raw: Raw, tmp_path: Path, message: Path) -> None:
    url, answers, _ = raw
    answers["/model"] = b"HTTP/1.1 404 Not\x1b[31mFound\r\nContent-Length: 0\r\n\r\n"
    assert run("--from-http", f"{url}/model", "--digest", NO_DIGEST, "--output", tmp_path / "out") == 1
    assert r"HTTP 404 Not\x1b[31mFound." in message.read_text()


def test_an_announced_length_that_is_no_number_of_bytes_is_a_sentence(raw: Raw, tmp_path: Path, message: Path) -> None:
    url, answers, _ = raw
    answers["/model"] = b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nPK"
    assert run("--from-http", f"{url}/model", "--digest", NO_DIGEST, "--output", tmp_path / "out") == 1
    assert "/model failed: ValueError" in message.read_text()


def test_bytes_past_the_announced_length_are_not_read(raw: Raw, package: Path, tmp_path: Path) -> None:
    digest = write(package)
    url, answers, _ = raw
    body = zip_of(package)
    answers["/model"] = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body + b"evil" * 1000
    assert run("--from-http", f"{url}/model", "--digest", digest, "--output", tmp_path / "out") == 0
    assert contents(tmp_path / "out") == expected(package)


def test_an_announced_length_past_the_limit_is_refused_at_once(raw: Raw, tmp_path: Path, message: Path) -> None:
    url, answers, _ = raw
    answers["/model"] = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nPK..."
    assert run("--from-http", f"{url}/model", "--digest", NO_DIGEST, "--output", tmp_path / "out") == 1
    assert "is larger than 68719476736 bytes" in message.read_text()
    assert list((tmp_path / "out").iterdir()) == []


def test_more_than_the_limit_without_an_announcement_is_refused(raw: Raw, package: Path, tmp_path: Path) -> None:
    url, answers, _ = raw
    answers["/model"] = b"HTTP/1.0 200 OK\r\n\r\n" + zip_of(package) + bytes(100_000)
    (tmp_path / "out").mkdir()
    address = Address(f"{url}/model", "")
    with pytest.raises(ModelUnavailable, match="is larger than 50000 bytes"):
        from_http(address, NO_DIGEST, tmp_path / "out", Progress(print), Limits(unpacked_bytes=50_000))


def test_a_body_that_is_compressed_on_the_way_does_not_grow_here(raw: Raw, tmp_path: Path, message: Path) -> None:
    url, answers, _ = raw
    packed = gzip.compress(b"x" * 5000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    answers["/model"] = head.encode() + packed
    assert run("--from-http", f"{url}/model", "--digest", NO_DIGEST, "--output", tmp_path / "out") == 1
    assert "the archive is broken" in message.read_text()


def test_a_server_that_only_trickles_is_left(
    raw: Raw, tmp_path: Path, message: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_WINDOW_SECONDS", 0.3)
    url, answers, released = raw
    answers["/model"] = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nP..."
    monkeypatch.setattr(web, "_SILENCE_SECONDS", 0.5)
    assert run("--from-http", f"{url}/model", "--digest", NO_DIGEST, "--output", tmp_path / "out") == 1
    released.set()
    assert "ReadTimeout" in message.read_text()
    assert list((tmp_path / "out").iterdir()) == []


def test_patience_ends_where_hardly_anything_arrives() -> None:
    seconds = iter((0.0, 30.0, 61.0, 100.0, 122.0))
    pace = Pace(lambda: next(seconds))
    pace.check(10)
    pace.check(70_000)
    pace.check(70_001)
    with pytest.raises(ModelUnavailable, match="only 2 bytes arrived within 61 s"):
        pace.check(70_002)
