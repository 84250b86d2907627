"""A stand-in for Google: its store in the form that it shares with S3, its tokens, and what a pod at Google may ask.

It answers as cloud.google.com/storage/docs/xml-api says, refuses what has no place there, and keeps what it was asked.
"""

import base64
import gzip
import http.server
import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typing_extensions import override

from e2e.s3_server import certify

BUCKET, ACCOUNT = "models", "reader@project.iam.gserviceaccount.com"
PAGE = 2
"""Objects of one answer to who lists."""

SENT = "sent=yes"
_METADATA = "/computeMetadata/v1"
_OF_ACCOUNT = f"{_METADATA}/instance/service-accounts/{ACCOUNT}"


@dataclass(frozen=True)
class Request:
    """What was asked: method, the URL's path, its query, the headers by their names in small letters."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Google:
    """What the stand-in holds and how it behaves. `files` are the objects of the bucket, by their keys."""

    key: RSAPrivateKey
    url: str = ""
    certificate: Path = Path()
    files: dict[str, bytes] = field(default_factory=dict)
    compressed: set[str] = field(default_factory=set)
    """Keys of objects that are stored with Content-Encoding: gzip."""
    public: bool = False
    seconds: int = 3600
    """How long a token holds."""
    refusal: tuple[int, str] | None = None
    """Status and code with which the store refuses everything."""
    redirect: str = ""
    """Where the store sends who asks for an object, with SENT as a query."""
    cut: dict[str, int] = field(default_factory=dict)
    """By key the bytes after which an answer is cut off, once."""
    grants: bool = True
    claims: list[dict[str, object]] = field(default_factory=list)
    """What the accepted requests for tokens said."""
    tokens: list[str] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)

    def token(self) -> bytes:
        """The answer with another token."""
        self.tokens.append(f"token-{len(self.tokens)}-of-one-test")
        answer = {"access_token": self.tokens[-1], "expires_in": self.seconds, "token_type": "Bearer"}
        return json.dumps(answer).encode()

    def account(self, folder: Path) -> Path:
        """A file with the key of a service account, as Google makes it."""
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        content = {"type": "service_account", "project_id": "project", "private_key_id": "1", "private_key": pem}
        content |= {"client_email": ACCOUNT, "client_id": "1", "token_uri": f"{self.url}/token"}
        path = folder / "account.json"
        path.write_text(json.dumps(content))
        return path


class _Handler(http.server.BaseHTTPRequestHandler):
    google: Google
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._remember()
        header, claims, signature = (part.encode() for part in body["assertion"][0].split("."))
        self.google.key.public_key().verify(_decoded(signature), header + b"." + claims, PKCS1v15(), SHA256())
        if self.google.grants:
            self.google.claims.append(json.loads(_decoded(claims)))
            self._reply(HTTPStatus.OK, self.google.token(), "application/json")
        else:
            refusal = {"error": "invalid_grant", "error_description": "Invalid grant: account not found"}
            self._reply(HTTPStatus.BAD_REQUEST, json.dumps(refusal).encode(), "application/json")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        asked, google = self._remember(), self.google
        if asked.path.startswith(_METADATA) or asked.path == "/":
            self._tell_pod(asked)
        elif any(name.startswith("x-amz-") for name in asked.headers):
            self._refuse(HTTPStatus.BAD_REQUEST, "InvalidArgument")
        elif google.refusal:
            self._refuse(*google.refusal)
        elif not google.public and "authorization" not in asked.headers:
            self._refuse(HTTPStatus.FORBIDDEN, "AccessDenied")
        elif not google.public and asked.headers["authorization"].removeprefix("Bearer ") not in google.tokens:
            self._refuse(HTTPStatus.UNAUTHORIZED, "AuthenticationRequired")
        elif asked.query.get("list-type") == "2":
            self._list(asked)
        else:
            self._send_object(asked)

    def _remember(self) -> Request:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.google.asked.append(Request(self.command, unquote(parts.path), query, headers))
        return self.google.asked[-1]

    def _tell_pod(self, asked: Request) -> None:
        """What the server of the node answers whoever runs there."""
        answers = {
            "/": b"",
            f"{_METADATA}/project/project-id": b"project",
            f"{_METADATA}/instance/service-accounts/default/": json.dumps({"email": ACCOUNT, "scopes": []}).encode(),
        }
        for account in (_OF_ACCOUNT, f"{_METADATA}/instance/service-accounts/default"):
            if asked.path == f"{account}/token":
                answers[asked.path] = self.google.token()
        known = asked.path in answers and asked.headers.get("metadata-flavor") == "Google"
        body = answers[asked.path] if known else b""
        kind = "application/json" if body.startswith(b"{") else "text/plain"
        self._reply(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND, body, kind, {"Metadata-Flavor": "Google"})

    def _list(self, asked: Request) -> None:
        if asked.path.strip("/") != BUCKET:
            self._refuse(HTTPStatus.NOT_FOUND, "NoSuchBucket")
            return
        after = asked.query.get("continuation-token", "")
        keys = sorted(key for key in self.google.files if key.startswith(asked.query["prefix"]) and key > after)
        encode = quote if asked.query.get("encoding-type") == "url" else escape
        entries = "".join(
            f"<Contents><Key>{encode(key)}</Key><Generation>1</Generation><Size>{len(self.google.files[key])}</Size>"
            '<LastModified>2026-11-23T00:00:00.000Z</LastModified><ETag>"1"</ETag></Contents>'
            for key in keys[:PAGE]
        )
        more = keys[PAGE:] and f"<NextContinuationToken>{escape(keys[PAGE - 1])}</NextContinuationToken>"
        self._xml(
            HTTPStatus.OK,
            "<ListBucketResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'>"
            f"<Name>{BUCKET}</Name><EncodingType>{asked.query.get('encoding-type', '')}</EncodingType>"
            f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>{more or ''}{entries}</ListBucketResult>",
        )

    def _send_object(self, asked: Request) -> None:
        google, key = self.google, asked.path.removeprefix(f"/{BUCKET}/")
        if google.redirect:
            where = {"Location": f"{google.redirect}{self.path}?{SENT}"}
            self._reply(HTTPStatus.TEMPORARY_REDIRECT, b"", "text/plain", where)
            return
        if key not in google.files:
            self._refuse(HTTPStatus.NOT_FOUND, "NoSuchKey")
            return
        content, start = google.files[key], 0
        headers: dict[str, str] = {}
        if key in google.compressed and "gzip" in asked.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
        elif key in google.compressed:  # decompressive transcoding, as a whole
            content = gzip.decompress(content)
        if match := re.match(r"bytes=(\d+)-", asked.headers.get("range", "")):
            start = int(match[1])
        status = HTTPStatus.PARTIAL_CONTENT if start else HTTPStatus.OK
        self._reply(status, content[start:], "application/octet-stream", headers, google.cut.pop(key, None))

    def _refuse(self, status: int, code: str) -> None:
        self._xml(status, f"<Error><Code>{code}</Code><Message>As the test wants.</Message></Error>")

    def _xml(self, status: int, text: str) -> None:
        self._reply(status, f"<?xml version='1.0' encoding='UTF-8'?>{text}".encode(), "application/xml; charset=UTF-8")

    def _reply(
        self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None, cut: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        self.close_connection = cut is not None

    @override
    def log_message(self, *_arguments: object) -> None:
        pass


def _decoded(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


@contextmanager
def google(folder: Path, key: RSAPrivateKey) -> Iterator[tuple[Google, str]]:
    """Runs the stand-in until the block ends; the text is the address, without TLS, of the server of the node."""
    made = Google(key)
    made.certificate, private = certify(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, private)
    handler = type("H", (_Handler,), {"google": made})
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
    servers[0].socket = context.wrap_socket(servers[0].socket, server_side=True)
    made.url = f"https://127.0.0.1:{servers[0].server_address[1]}"
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield made, f"127.0.0.1:{servers[1].server_address[1]}"
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
