"""Asks an endpoint for the answer to a golden sample, over any protocol that the runtime serves."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import requests

from paddle_serving_runtime.cli import messages
from paddle_serving_runtime.errors import InvalidOption, ModelInvalid, NotConsistent, ServingError
from paddle_serving_runtime.package.golden import Sample
from paddle_serving_runtime.protocol import BadRequest, ErrorCode, Response, read_response

PROTOCOLS = ("pipeline-json", "pipeline-grpc", "open-inference-rest", "open-inference-grpc")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_CANNOT_ANSWER = (401, 404, 405, 429, 502, 503, 504)
"""HTTP statuses that say nothing about the model: no key, no such service, not a service, full, not there."""

_OK, _UNAVAILABLE, _DEADLINE_EXCEEDED = "OK", "UNAVAILABLE", "DEADLINE_EXCEEDED"
_GRPC_CANNOT_ANSWER = (
    "UNAUTHENTICATED",
    "NOT_FOUND",
    "UNIMPLEMENTED",
    "RESOURCE_EXHAUSTED",
    _UNAVAILABLE,
    _DEADLINE_EXCEEDED,
)


@dataclass(frozen=True)
class Endpoint:
    """Where to ask, for what, and how long to wait: `url` is http(s)://host:port, of the gRPC port for gRPC.

    `ca` is a file of certificates to trust, None for the system's; `api_key` is shown where it is not empty.
    """

    url: str
    name: str
    protocol: str
    timeout: float
    ca: Path | None = None
    api_key: str = ""

    @property
    def credentials(self) -> dict[str, str]:
        """The header, or gRPC's metadata, that shows the key."""
        return {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}


@dataclass(frozen=True)
class Reply:
    """An answer, whatever it says; `status` is that of HTTP or gRPC, in words."""

    status: str
    response: Response


Ask = Callable[[Sample], Reply]


@contextmanager
def asking(endpoint: Endpoint) -> Iterator[Ask]:
    """A function that asks for one sample; one connection for all of them.

    It raises ServingError (EndpointUnavailable) where there is no answer to judge, NotConsistent where the answer is
    not one of the protocol, ModelInvalid where the sample is no request. Raises InvalidOption for a URL that is none.
    """
    parts = urlsplit(endpoint.url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InvalidOption(f"--url {endpoint.url!r} is not http://host:port.")
    if endpoint.api_key and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise InvalidOption(f"--api-key-file is not for {endpoint.url}: whoever is on the way could read the key.")
    with _grpc(endpoint) if endpoint.protocol.endswith("grpc") else _http(endpoint) as ask:
        yield ask


@contextmanager
def _http(endpoint: Endpoint) -> Iterator[Ask]:
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the environment is not the endpoint
        session.verify = str(endpoint.ca) if endpoint.ca else os.environ.get("REQUESTS_CA_BUNDLE") or True
        session.headers.update(endpoint.credentials)

        def post(path: str, body: bytes, headers: Mapping[str, str]) -> requests.Response:
            url = f"{endpoint.url.rstrip('/')}/{path}"
            try:
                answer = session.post(url, data=body, headers=headers, timeout=endpoint.timeout)
            except requests.Timeout:
                raise _silent(url, endpoint) from None
            except requests.RequestException as error:
                raise _unreachable(url, error) from None
            if answer.status_code in _CANNOT_ANSWER:
                raise _no_answer(url, f"HTTP {answer.status_code}", _said(answer.content))
            return answer

        def pipeline(sample: Sample) -> Reply:
            path = f"{endpoint.name}/prediction"
            answer = post(path, sample.body, {"Content-Type": "application/json"})
            with _readable(sample, f"HTTP {answer.status_code}"):
                reply = Reply(f"HTTP {answer.status_code}", read_response(answer.content))
            return _of_a_service(f"{endpoint.url}/{path}", reply)

        def open_inference(sample: Sample) -> Reply:
            with _sendable(sample):
                body, headers = messages.infer_body(sample.body)
            answer = post(f"v2/models/{endpoint.name}/infer", body, headers)
            with _readable(sample, f"HTTP {answer.status_code}"):
                response = messages.read_infer_body(answer.status_code, answer.headers, answer.content)
                return Reply(f"HTTP {answer.status_code}", response)

        yield open_inference if endpoint.protocol.startswith("open-inference") else pipeline


@contextmanager
def _grpc(endpoint: Endpoint) -> Iterator[Ask]:
    import grpc  # noqa: PLC0415 - for these two protocols only

    parts = urlsplit(endpoint.url)
    options = [("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0)]
    if parts.scheme == "https":
        trusted = endpoint.ca.read_bytes() if endpoint.ca else None
        channel = grpc.secure_channel(parts.netloc, grpc.ssl_channel_credentials(trusted), options)
    else:
        channel = grpc.insecure_channel(parts.netloc, options)
    method = messages.METHODS[endpoint.protocol]
    call = channel.unary_unary(method)

    def ask(sample: Sample) -> Reply:
        with _sendable(sample):
            message = messages.grpc_request(endpoint.protocol, endpoint.name, sample.body)
        try:
            answer = call(message, timeout=endpoint.timeout, metadata=list(endpoint.credentials.items()))
        except grpc.RpcError as error:
            status, details = error.code().name, error.details()
            if status in _GRPC_CANNOT_ANSWER:
                raise _no_answer(f"{parts.netloc}{method}", f"gRPC {status}", details) from None
            return Reply(f"gRPC {status}", Response(error.code().value[0], details))
        with _readable(sample, f"gRPC {_OK}"):
            reply = Reply(f"gRPC {_OK}", messages.read_grpc(endpoint.protocol, answer))
        return _of_a_service(f"{parts.netloc}{method}", reply)

    with channel:
        yield ask


@contextmanager
def _sendable(sample: Sample) -> Iterator[None]:
    """Raises ModelInvalid for a sample that is no request: other protocols than its own cannot say it."""
    try:
        yield
    except BadRequest as error:
        raise ModelInvalid(f"golden sample {sample.name} is not a request: {error.message}. Correct it.") from None


@contextmanager
def _readable(sample: Sample, status: str) -> Iterator[None]:
    try:
        yield
    except BadRequest as error:
        raise NotConsistent(f"Sample {sample.name}: {status}, and {error.message}.") from None


def _of_a_service(url: str, reply: Reply) -> Reply:
    """The pipeline's error for a name that is not served is no answer of the model, whatever its status is."""
    if reply.response.err_no == ErrorCode.NO_SERVICE:
        raise _no_answer(url, f"{reply.status}, err_no {reply.response.err_no}", reply.response.err_msg)
    return reply


def _unavailable(sentence: str) -> ServingError:
    return ServingError("EndpointUnavailable", sentence)


def _silent(url: str, endpoint: Endpoint) -> ServingError:
    return _unavailable(f"POST {url}: no answer within {endpoint.timeout:g} s. Allow more with --timeout.")


def _unreachable(url: str, error: Exception) -> ServingError:
    cause: BaseException = error
    while isinstance(inner := cause.__cause__ or cause.__context__ or getattr(cause, "reason", None), BaseException):
        cause = inner
    said = getattr(cause, "strerror", None) or str(cause)
    return _unavailable(
        f"POST {url}: nobody answers ({said}). Is the service up, and is this the port of its protocol?"
    )


def _no_answer(url: str, status: str, said: str) -> ServingError:
    return _unavailable(
        f"POST {url}: {status} ({said}). Nothing can be said about the model's answers. Check --url, --name and "
        f"--protocol, and whether the service is ready and has room for a request."
    )


def _said(body: bytes) -> str:
    """The message in an error's body, whichever protocol it is of."""
    try:
        content = orjson.loads(body)
        return str(content.get("err_msg") or content["error"])
    except (orjson.JSONDecodeError, KeyError, AttributeError):
        return " ".join(body[:200].decode(errors="replace").split()) or "an empty body"
