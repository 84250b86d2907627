"""A store that lies, and where the keys for a store come from. A server in this file answers."""

import hashlib
import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest
from typing_extensions import override

from paddle_serving_runtime.cli.main import main
from paddle_serving_runtime.errors import ModelUnavailable
from paddle_serving_runtime.fetch import transfer
from paddle_serving_runtime.fetch.archive import Limits
from paddle_serving_runtime.fetch.clouds import AMAZON
from paddle_serving_runtime.fetch.s3 import from_s3, parse_uri
from paddle_serving_runtime.fetch.s3_store import parse_store
from paddle_serving_runtime.fetch.transfer import Progress
from paddle_serving_runtime.package.manifest import MANIFEST

FILES = {"a/weights": bytes(range(256)) * 4000, "b": b"b"}
TEXT = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in FILES.items()).encode()
DIGEST = f"sha256:{hashlib.sha256(TEXT).hexdigest()}"
IDENTITY = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
)


@dataclass
class Store:
    """What the server lists and holds, and what it was asked with."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=lambda: {**FILES, MANIFEST: TEXT})
    keys: list[str] | None = None  # listed instead of the names of `files`
    sizes: dict[str, int] = field(default_factory=dict)  # listed instead of the true ones
    cut: dict[str, int] = field(default_factory=dict)  # bytes after which an answer is cut off, once
    redirect: str = ""
    endless: bool = False
    trickle: float = 0.0
    """Seconds for which a download stops after its first byte."""
    delay: float = 0.0  # seconds before every object
    special: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def listing(self) -> bytes:
        names = self.files if self.keys is None else self.keys
        entries = "".join(
            f"<Contents><Key>p/{escape(name)}</Key><Size>{self.sizes.get(name, len(self.files.get(name, b'')))}</Size>"
            "<LastModified>2026-11-23T00:00:00.000Z</LastModified></Contents>"
            for name in names
        )
        more = "<IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken>" * self.endless
        return f"<ListBucketResult><Name>models</Name>{entries}{more}</ListBucketResult>".encode()


class Handler(http.server.BaseHTTPRequestHandler):
    store: Store
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        store, parts = self.store, urlsplit(self.path)
        store.asked.append(self.path)
        store.headers.append(dict(self.headers))
        if parts.path in store.special:
            self.reply(store.special[parts.path], "application/json")
        elif "location" in parse_qs(parts.query, keep_blank_values=True):
            self.reply(b"<LocationConstraint/>", "application/xml")
        elif "list-type" in parse_qs(parts.query):
            self.reply(store.listing(), "application/xml")
        elif store.redirect:
            self.send_response(307)
            self.send_header("Location", store.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_object(unquote(parts.path).removeprefix("/models/p/"))

    def do_POST(self) -> None:
        self.do_GET()

    def reply(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_object(self, name: str) -> None:
        content, store = self.store.files[name], self.store
        asked = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        body = content[start:]
        store.stop.wait(store.delay)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if cut := store.cut.pop(name, 0):
            self.wfile.write(body[:cut])
            self.close_connection = True
        elif store.trickle and len(body) > 1000:
            self.wfile.write(body[:1])
            self.wfile.flush()
            store.stop.wait(store.trickle)
            self.close_connection = True
        else:
            self.wfile.write(body)

    @override
    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Store]:
    for name in IDENTITY:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERMINATION_LOG", str(tmp_path / "termination-log"))
    made = Store()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("H", (Handler,), {"store": made}))
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made
    made.stop.set()
    server.shutdown()
    thread.join()
    server.server_close()


def run(store: Store, output: Path) -> int:
    words = ["--from-s3", "s3://models/p", "--s3-endpoint", store.url, "--digest", DIGEST, "--output", str(output)]
    return main(["fetch", *words])


def fetched(output: Path) -> dict[str, bytes]:
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*") if path.is_file()}


def test_the_server_of_these_tests_is_a_store(store: Store, tmp_path: Path) -> None:
    assert run(store, tmp_path / "out") == 0
    assert fetched(tmp_path / "out") == {**FILES, MANIFEST: TEXT}


LIES: dict[str, tuple[Callable[[Store], object], str]] = {
    "a key that leads upwards": (lambda it: setattr(it, "keys", ["a/../../x"]), "member outside of itself"),
    "an absolute key": (lambda it: setattr(it, "keys", ["/srv/other"]), "member outside of itself"),
    "a backslash": (lambda it: setattr(it, "keys", ["..\\x"]), "member outside of itself"),
    "a folder without a name": (lambda it: setattr(it, "keys", ["a//b"]), "'p/a//b' cannot be a file of a package"),
    "a folder that is here": (lambda it: setattr(it, "keys", ["./b"]), "'p/./b' cannot be a file of a package"),
    "a line end": (lambda it: setattr(it, "keys", ["b\nReason: fine"]), r"stand in a manifest, .b\\nReason: fine."),
    "a very long name": (lambda it: setattr(it, "keys", ["x" * 300]), "longer than 255 bytes"),
    "a key twice": (lambda it: setattr(it, "keys", [MANIFEST, "b", "b"]), "lists b twice"),
    "a file that is a folder": (lambda it: setattr(it, "keys", ["a", "a/weights"]), "has a both as a file and as a fo"),
    "another case": (lambda it: setattr(it, "keys", [MANIFEST, "a/weights", "B"]), "p/b is missing"),
    "a file of petabytes": (lambda it: it.sizes.update({"b": 1 << 50}), "is larger than 68719476736 bytes"),
    "a manifest of gigabytes": (lambda it: it.sizes.update({MANIFEST: 1 << 30}), "that is not a manifest"),
    "more than announced": (lambda it: it.sizes.update({"a/weights": 5000}), "but the store announced 5000"),
    "less than announced": (lambda it: it.sizes.update({"b": 5000}), "has 1 byte, but the store announced 5000"),
    "a redirect to a file": (lambda it: setattr(it, "redirect", "file:///srv/other"), "LocationValueError: No host"),
    "a redirect to another scheme": (lambda it: setattr(it, "redirect", "ftp://127.0.0.1/x"), "URLSchemeUnknown"),
    "no XML": (lambda it: it.special.update({"/models": b"<ListBucketResult"}), "does not answer as an S3 store"),
    "a size that is none": (lambda it: it.sizes.update({"b": "x"}), "does not answer as an S3 store"),  # type: ignore[dict-item]
    "a redirect to itself": (lambda it: setattr(it, "redirect", "/models/p/b"), "too many redirects"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_store_that_lies_is_refused_and_leaves_nothing(store: Store, tmp_path: Path, lie: str) -> None:
    tell, sentence = LIES[lie]
    tell(store)
    assert run(store, tmp_path / "out") == 1
    said = (tmp_path / "termination-log").read_text()
    assert re.search(sentence, said), said
    assert len(said.splitlines()) == 1
    assert list((tmp_path / "out").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "termination-log"]


def test_a_listing_without_an_end_is_left(store: Store, tmp_path: Path) -> None:
    store.endless = True
    store.keys = [f"file-{number}" for number in range(1000)]
    place = parse_store(AMAZON, store.url, "", None, {})
    with pytest.raises(ModelUnavailable, match="has more than 5000 objects"):
        from_s3(parse_uri("s3://models/p"), place, DIGEST, tmp_path, Progress(print), Limits(members=5000))
    assert len(store.asked) < 10


def test_a_download_that_is_cut_off_goes_on_where_it_was(store: Store, tmp_path: Path) -> None:
    store.cut = {"a/weights": 70_000}
    assert run(store, tmp_path / "out") == 0
    assert fetched(tmp_path / "out") == {**FILES, MANIFEST: TEXT}
    ranges = [headers["Range"] for headers in store.headers if "Range" in headers]
    assert ranges == ["bytes=70000-"]


def test_a_store_that_only_trickles_is_left(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "_WINDOW_SECONDS", 1.0)
    store.trickle = 3.0  # the test ends when the connection does
    assert run(store, tmp_path / "out") == 1
    assert "bytes arrived within" in (tmp_path / "termination-log").read_text()
    assert list((tmp_path / "out").iterdir()) == []


def test_many_small_files_from_far_away_are_no_trickle(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_WINDOW_SECONDS", 0.3)
    store.files = {f"file-{number}": b"x" for number in range(60)}
    listed = "".join(f"{hashlib.sha256(b'x').hexdigest()}  {name}\n" for name in sorted(store.files)).encode()
    digest = f"sha256:{hashlib.sha256(listed).hexdigest()}"
    store.files[MANIFEST] = listed
    store.delay = 0.1  # some windows for all of them, eight at a time
    words = ["--from-s3", "s3://models/p", "--s3-endpoint", store.url, "--digest", digest]
    assert main(["fetch", *words, "--output", str(tmp_path / "out")]) == 0
    assert fetched(tmp_path / "out") == store.files


def key_of(store: Store) -> str:
    """The access key that the last request was signed with."""
    match = re.search(r"Credential=([^/]+)/", store.headers[-1].get("Authorization", ""))
    return match[1] if match else ""


def test_without_any_identity_the_store_is_asked_anonymously(store: Store, tmp_path: Path) -> None:
    assert run(store, tmp_path / "out") == 0
    assert not any("Authorization" in headers for headers in store.headers)


def test_a_session_token_goes_with_the_keys(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(IDENTITY, ("key\n", "secret", "token\n"), strict=False):  # as in a Secret made of files
        monkeypatch.setenv(name, value)
    assert run(store, tmp_path / "out") == 0
    assert key_of(store) == "key"
    assert {headers["x-amz-security-token"] for headers in map(lower, store.headers)} == {"token"}
    assert not any("secret" in str(headers) for headers in store.headers)


def test_what_is_no_key_is_refused_without_it(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(IDENTITY, ("key", "secret", "a-token\nof-two-lines"), strict=False):
        monkeypatch.setenv(name, value)
    assert run(store, tmp_path / "out") == 2
    said = (tmp_path / "termination-log").read_text()
    assert "AWS_SESSION_TOKEN has" in said
    assert "a-token" not in said


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def test_the_identity_of_a_container_is_used(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    granted = {"AccessKeyId": "pod", "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z"}
    store.special["/credentials"] = json.dumps(granted).encode()
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{store.url}/credentials")
    assert run(store, tmp_path / "out") == 0
    assert key_of(store) == "pod"


def test_a_web_identity_is_exchanged_for_keys(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    granted = (
        "<AssumeRoleWithWebIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>"
        "<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>role</AccessKeyId><SecretAccessKey>s"
        "</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    )
    store.special["/sts"] = granted.encode()
    use_web_identity(monkeypatch, tmp_path, f"{store.url}/sts")
    assert run(store, tmp_path / "out") == 0
    assert key_of(store) == "role"
    assert "WebIdentityToken=a-token-of-the-cluster" in store.asked[0]


def test_an_identity_that_cannot_be_had_is_a_sentence_without_its_token(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for endpoint in ("http://127.0.0.1:9/sts", f"{store.url}/models/p/b"):
        use_web_identity(monkeypatch, tmp_path, endpoint)
        assert run(store, tmp_path / "out") == 1
        said = (tmp_path / "termination-log").read_text()
        assert said.startswith("ModelUnavailable: no credentials from the pod's identity")
        assert "Check the role of its ServiceAccount" in said
    printed = capfd.readouterr()
    assert "a-token" not in said + printed.out + printed.err


def use_web_identity(monkeypatch: pytest.MonkeyPatch, folder: Path, endpoint: str) -> None:
    (folder / "token").write_text("a-token-of-the-cluster")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(folder / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/reader")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", endpoint)
