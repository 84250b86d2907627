"""Which requests reach clouds that speak S3 beside their own language. A proxy in this file stands for all hosts."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from typing_extensions import override

from paddle_serving_runtime.cli.main import main
from paddle_serving_runtime.package.manifest import MANIFEST

FILES = {"a/weights": b"\0\1" * 5000, "b": b"b"}
TEXT = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in FILES.items()).encode()
DIGEST = f"sha256:{hashlib.sha256(TEXT).hexdigest()}"
ALIBABA = "s3.oss-cn-hangzhou.aliyuncs.com"
GOOGLE = "storage.googleapis.com"
Asked = list[tuple[str, str]]
"""Host and path, without what is below the folder of the package."""


class Proxy(http.server.BaseHTTPRequestHandler):
    """Answers for every host: with a listing, or with an object by the end of its path."""

    protocol_version = "HTTP/1.1"
    signature = "AWS4-HMAC-SHA256 Credential=reader/"
    asked: Asked

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        before, _, name = unquote(parts.path).partition("/v1/")
        self.asked.append((parts.netloc, before))
        files = {**FILES, MANIFEST: TEXT}
        entries = "".join(
            f"<Contents><Key>ocr/v1/{key}</Key><Size>{len(content)}</Size>"
            "<LastModified>2026-11-23T00:00:00.000Z</LastModified></Contents>"
            for key, content in files.items()
        )
        listing = f"<ListBucketResult><Name>models</Name>{entries}</ListBucketResult>".encode()
        body = listing if "list-type=2" in parts.query else files[name]
        signed = self.headers.get("Authorization", "").startswith(self.signature)
        self.send_response(200 if signed else 403)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    requests: Asked = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("P", (Proxy,), {"asked": requests}))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    for name in ("NO_PROXY", "no_proxy", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_address[1]}")
    for names in (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET")):
        for name, value in zip(names, ("reader", "a-secret-of-one-test"), strict=True):
            monkeypatch.setenv(name, value)
    yield requests
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("scheme", "host", "region", "expected"),
    [
        ("oss", ALIBABA, "cn-hangzhou", {(f"models.{ALIBABA}", "/"), (f"models.{ALIBABA}", "/ocr")}),
        ("s3", ALIBABA, "cn-hangzhou", {(f"models.{ALIBABA}", "/"), (f"models.{ALIBABA}", "/ocr")}),
        ("s3", GOOGLE, "auto", {(GOOGLE, "/models"), (GOOGLE, "/models/ocr")}),
    ],
    ids=["the bucket is part of the host at Alibaba", "with Amazon's names too", "part of the path at Google"],
)
def test_the_bucket_is_where_the_cloud_looks_for_it(
    asked: Asked, tmp_path: Path, scheme: str, host: str, region: str, expected: set[tuple[str, str]]
) -> None:
    words = ["--from-s3", f"{scheme}://models/ocr/v1", "--s3-endpoint", f"http://{host}", "--s3-region", region]
    assert main(["fetch", *words, "--digest", DIGEST, "--output", str(tmp_path / "out")]) == 0
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == FILES
    assert set(asked) == expected


def test_google_is_asked_by_way_of_a_proxy_too(asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Proxy, "signature", "")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    words = ["--from-s3", "gs://models/ocr/v1", "--s3-endpoint", f"http://{GOOGLE}"]
    assert main(["fetch", *words, "--digest", DIGEST, "--output", str(tmp_path / "out")]) == 0
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == FILES
    assert set(asked) == {(GOOGLE, "/models"), (GOOGLE, "/models/ocr")}
