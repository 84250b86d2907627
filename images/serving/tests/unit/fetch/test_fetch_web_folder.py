"""A folder of a web server as a package, such as a repository of Hugging Face, which sends large files elsewhere."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from typing_extensions import override

from images.serving.tests.certificates import write_certificate
from images.serving.tests.unit.fetch.fetching import NO_DIGEST, contents, expected, run, tar_of
from paddle_serving_runtime.errors import InvalidOption, ModelUnavailable
from paddle_serving_runtime.fetch.archive import Limits
from paddle_serving_runtime.fetch.transfer import Progress
from paddle_serving_runtime.fetch.web import Address, from_http, parse_address
from paddle_serving_runtime.package.manifest import MANIFEST, write
from tools.documents import ROOT, not_executed

SIGNATURE = "X-Amz-Signature=hidden"
TOKEN = "hf_hidden"  # noqa: S105 - of a server of these tests
REPOSITORY = "/paddle/ocr/resolve/v2"


@dataclass
class Hub:
    """A server of files below REPOSITORY; those in `elsewhere` are at another one, for who comes with the signature."""

    files: dict[str, bytes]
    elsewhere: frozenset[str] = frozenset()
    url: str = ""
    storage: str = ""
    token: str = ""
    busy: dict[str, int] = field(default_factory=dict)  # how often a file is refused with 503
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)  # server, path, Authorization

    def answer(self, server: str, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        """Status, Location and body."""
        parts = urlsplit(path)
        name = unquote(parts.path).removeprefix("/blobs" if server == "storage" else REPOSITORY).lstrip("/")
        self.asked.append((server, name, authorization))
        if self.busy.get(name, 0):
            self.busy[name] -= 1
            return 503, "", b""
        if server == "storage":
            return (200, "", self.files[name]) if parts.query == SIGNATURE else (403, "", b"")
        if name not in self.files or (self.token and authorization != f"Bearer {self.token}"):
            return (404 if name not in self.files else 401), "", b"<html>"
        if name in self.elsewhere:
            return 302, f"{self.storage}/blobs/{name}?{SIGNATURE}", b""
        return 200, "", self.files[name]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub
    server_name: str

    def do_GET(self) -> None:
        status, location, body = self.hub.answer(self.server_name, self.path, self.headers.get("Authorization"))
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def serving(hub: Hub, name: str, tls: Path | None = None) -> Iterator[str]:
    handler = type("H", (Handler,), {"hub": hub, "server_name": name})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls / "tls.crt", tls / "tls.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hub(package: Path) -> Iterator[Hub]:
    write(package)
    made = Hub({**expected(package), "README.md": b"of the repository"}, frozenset({"model/__model__"}))
    with serving(made, "hub") as made.url, serving(made, "storage") as made.storage:
        yield made


@pytest.fixture
def digest(package: Path) -> str:
    return write(package)


def test_the_files_of_a_manifest_are_fetched_from_a_folder(
    hub: Hub, package: Path, digest: str, tmp_path: Path
) -> None:
    assert run("--from-http", f"{hub.url}{REPOSITORY}/", "--digest", digest, "--output", tmp_path / "out") == 0
    assert contents(tmp_path / "out") == expected(package)
    assert hub.asked[0][1] == MANIFEST
    assert "README.md" not in {name for _, name, _ in hub.asked}


def test_an_archive_is_fetched_through_a_redirect_to_another_server(
    hub: Hub, package: Path, digest: str, tmp_path: Path
) -> None:
    hub.files["v2.tar.gz"] = tar_of(package)
    hub.elsewhere |= {"v2.tar.gz"}
    address = f"{hub.url}{REPOSITORY}/v2.tar.gz?download=true"
    assert run("--from-http", address, "--digest", digest, "--output", tmp_path / "out") == 0
    assert contents(tmp_path / "out") == expected(package)
    assert [server for server, _, _ in hub.asked] == ["hub", "storage"]


def test_another_manifest_is_found_before_anything_else_is_asked_for(hub: Hub, tmp_path: Path, message: Path) -> None:
    address = f"{hub.url}{REPOSITORY}/"
    assert run("--from-http", address, "--digest", NO_DIGEST, "--output", tmp_path / "out") == 1
    assert message.read_text().startswith("DigestMismatch: ")
    assert [name for _, name, _ in hub.asked] == [MANIFEST]
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_was_changed_is_refused(hub: Hub, digest: str, tmp_path: Path, message: Path) -> None:
    hub.files["model/__model__"] += b"x"
    address = f"{hub.url}{REPOSITORY}/"
    assert run("--from-http", address, "--digest", digest, "--output", tmp_path / "out") == 1
    assert "model/__model__ has changed" in message.read_text()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_is_not_there_is_named(hub: Hub, digest: str, tmp_path: Path, message: Path) -> None:
    del hub.files["golden/x.json"]
    address = f"{hub.url}{REPOSITORY}/"
    assert run("--from-http", address, "--digest", digest, "--output", tmp_path / "out") == 1
    assert f"GET {address}golden/x.json: HTTP 404" in message.read_text()


def test_a_query_that_is_a_signature_of_a_folder_is_shown_for_every_file_and_told_to_nobody(
    hub: Hub, package: Path, digest: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    address = f"{hub.storage}/blobs/?{SIGNATURE}"
    assert run("--from-http", address, "--digest", digest, "--output", tmp_path / "out") == 0
    assert contents(tmp_path / "out") == expected(package)
    said = capfd.readouterr()
    assert "hidden" not in said.out + said.err


@pytest.mark.parametrize("end", ["/", "/model/__model__"])
def test_what_cannot_be_reached_through_a_redirect_is_told_without_its_signature(
    hub: Hub, digest: str, tmp_path: Path, message: Path, capfd: pytest.CaptureFixture[str], end: str
) -> None:
    hub.storage = "http://user:password@127.0.0.1:9"
    address = f"{hub.url}{REPOSITORY}{end}?token=secret"
    assert run("--from-http", address, "--digest", digest, "--output", tmp_path / "out") == 1
    assert "ConnectionError" in message.read_text()
    said = capfd.readouterr()
    assert not {"hidden", "password", "secret"} & set(_words(said.out + said.err + message.read_text()))


def _words(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text).split()


def test_a_server_that_is_busy_for_a_moment_is_asked_again(
    hub: Hub, package: Path, digest: str, tmp_path: Path
) -> None:
    hub.busy = {"model/__model__": 1, "golden/x.json": 1}
    assert run("--from-http", f"{hub.url}{REPOSITORY}/", "--digest", digest, "--output", tmp_path / "out") == 0
    assert contents(tmp_path / "out") == expected(package)


def test_a_token_is_shown_to_the_server_alone_and_not_where_it_leads(
    hub: Hub, package: Path, digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_certificate(tmp_path, "hub")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "tls.crt"))
    hub.token = TOKEN
    words = ("--digest", digest, "--output", tmp_path / "out")
    with serving(hub, "hub", tmp_path) as url:
        assert run("--from-http", f"{url}{REPOSITORY}/", *words) == 1
        monkeypatch.setenv("HTTP_TOKEN", TOKEN)
        assert run("--from-http", f"{url}{REPOSITORY}/", *words) == 0
    assert contents(tmp_path / "out") == expected(package)
    shown = {(server, authorization) for server, _, authorization in hub.asked}
    assert shown == {("hub", None), ("hub", f"Bearer {TOKEN}"), ("storage", None)}


def test_a_token_of_a_secret_that_ends_with_a_line_break_is_the_token(
    hub: Hub, digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_certificate(tmp_path, "hub")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "tls.crt"))
    monkeypatch.setenv("HTTP_TOKEN", f"{TOKEN}\r\n")
    hub.token = TOKEN
    with serving(hub, "hub", tmp_path) as url:
        assert run("--from-http", f"{url}{REPOSITORY}/", "--digest", digest, "--output", tmp_path / "out") == 0


@pytest.mark.parametrize("end", ["\nsecond", " second", "\u20ac"])
def test_what_is_no_token_is_refused_without_it(
    hub: Hub, tmp_path: Path, message: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    write_certificate(tmp_path, "hub")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "tls.crt"))
    monkeypatch.setenv("HTTP_TOKEN", TOKEN + end)
    with serving(hub, "hub", tmp_path) as url:
        assert run("--from-http", f"{url}/", "--digest", NO_DIGEST, "--output", tmp_path / "out") == 2
    assert "HTTP_TOKEN has" in message.read_text()
    assert TOKEN not in message.read_text()


def test_a_token_does_not_go_over_the_network_in_plain_text(
    hub: Hub, tmp_path: Path, message: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_TOKEN", TOKEN)
    address = f"{hub.url}{REPOSITORY}/"
    assert run("--from-http", address, "--digest", NO_DIGEST, "--output", tmp_path / "out") == 2
    assert "HTTP_TOKEN would go over the network in plain text" in message.read_text()
    assert TOKEN not in message.read_text()
    assert hub.asked == []


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("hf://PaddlePaddle/ocr", "https://huggingface.co/PaddlePaddle/ocr/resolve/main/"),
        ("hf://a/b@4f2c", "https://huggingface.co/a/b/resolve/4f2c/"),
        ("hf://a/b@refs%2Fpr%2F1/rec/v2", "https://huggingface.co/a/b/resolve/refs%2Fpr%2F1/rec/v2/"),
        ("hf://a/b@v2/rec/", "https://huggingface.co/a/b/resolve/v2/rec/"),
        ("hf://a/b@v2/rec.tar.gz", "https://huggingface.co/a/b/resolve/v2/rec.tar.gz"),
    ],
)
def test_an_address_of_hugging_face_is_that_of_its_files(text: str, url: str) -> None:
    assert parse_address(text, "").url == url


def test_the_guide_says_what_an_address_of_hugging_face_stands_for() -> None:
    not_executed("docs/model-package.md", "hf upload", because="tests reach nothing outside of this machine")
    url = parse_address("hf://OWNER/MODEL@REVISION/FOLDER", "").url
    assert f"`{url}`" in (ROOT / "docs" / "model-package.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text", ["hf://a", "hf://a/b@", "hf://a/b?x=1", "hf://a/../b", "hf:a/b", "ftp://a/b", "http:///a"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match="--from-http takes"):
        parse_address(text, "")


@pytest.mark.parametrize("place", ["a:99999", "a:port", "[::1", "user:hidden/b@a"])
def test_a_place_that_cannot_be_asked_is_refused_without_a_secret(place: str, tmp_path: Path, message: Path) -> None:
    assert run("--from-http", f"http://{place}/b.zip", "--digest", NO_DIGEST, "--output", tmp_path / "out") == 2
    assert "no host and port" in message.read_text()
    assert "hidden" not in message.read_text()


def test_an_address_of_hugging_face_that_is_refused_is_shown_without_its_query() -> None:
    with pytest.raises(InvalidOption, match="not 'hf://a/b'") as refused:
        parse_address("hf://a/b?token=hidden", "")
    assert "hidden" not in refused.value.message


def test_names_are_written_into_an_address_as_addresses_have_them() -> None:
    address = Address("https://h/a/?sig=1", "")
    assert address.of("b c/d#e?f%g.json") == "https://h/a/b%20c/d%23e%3Ff%25g.json?sig=1"


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(unpacked_bytes=9000), "model/__model__ is larger than 9000 bytes"),
        (Limits(members=2), "has more than 2 files. Give an archive"),
    ],
)
def test_more_than_the_limits_is_refused(hub: Hub, digest: str, tmp_path: Path, limits: Limits, sentence: str) -> None:
    (tmp_path / "out").mkdir()
    address = parse_address(f"{hub.url}{REPOSITORY}/", "")
    with pytest.raises(ModelUnavailable, match=sentence):
        from_http(address, digest, tmp_path / "out", Progress(print), limits)
