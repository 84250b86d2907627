"""TLS and API keys at the front of a real `serve`, asked as curl and gRPC clients ask, and replaced under load."""

import os
import signal
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import requests

from images.serving.tests.certificates import write_certificate
from images.serving.tests.process.serve.conftest import request_body, start_serving
from images.serving.tests.services import PRICE, X
from paddle_serving_runtime.protocol.paths import MODEL_INFER, PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

Command = Callable[..., Any]
KEY, NEXT = "key-of-the-tests-0", "key-of-the-tests-1"
SECONDS = 120.0
REFUSED = "an API key is needed: Authorization: Bearer <key>"


@dataclass
class Guarded:
    """A service with TLS and keys, and the folder of its files."""

    serving: "Serving"
    files: Path
    package: Path

    @property
    def url(self) -> str:
        return self.serving.http.replace("http:", "https:")

    def ask(self, key: str | None = KEY, path: str = "/svc/prediction", method: str = "POST") -> requests.Response:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        body = request_body()
        return requests.request(
            method, f"{self.url}{path}", json=body, headers=headers, verify=str(self.files / "tls.crt"), timeout=SECONDS
        )

    def call(self, key: str | None = KEY, method: str = PIPELINE_INFERENCE) -> tuple[grpc.StatusCode, str]:
        """Status and message of a gRPC call."""
        trusted = grpc.ssl_channel_credentials((self.files / "tls.crt").read_bytes())
        metadata = [] if key is None else [("authorization", f"Bearer {key}")]
        with grpc.secure_channel(self.serving.grpc, trusted) as channel:
            message = MESSAGES["Request"](key=["x"], value=[X]).SerializeToString()
            call = channel.unary_unary(method).future(message, timeout=SECONDS, metadata=metadata)
            return call.code(), call.details() or ""

    def certificate(self) -> str:
        """What the front shows."""
        host, _, port = self.serving.http.removeprefix("http://").partition(":")
        return ssl.get_server_certificate((host, int(port)))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, make_package: Callable[..., Path]) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    certificate, key = write_certificate(folder, "one")
    (folder / "api-keys").write_text(f"{KEY}\n")
    flags = ("--workers", "1", "--tls-certificate", str(certificate), "--tls-key", str(key))
    package = make_package()
    serving = start_serving(folder, package, *flags, "--api-key-file", str(folder / "api-keys"))
    yield Guarded(serving.wait_ready(), folder, package)
    serving.kill()


def test_who_shows_a_key_is_answered_over_tls_in_both_protocols(guarded: Guarded) -> None:
    answer = guarded.ask()
    assert (answer.status_code, answer.json()["value"]) == (200, [PRICE])
    assert guarded.call() == (grpc.StatusCode.OK, "")
    assert guarded.ask(path="/v2/health/ready", method="GET").status_code == 200


@pytest.mark.parametrize("protocol", ["pipeline-json", "pipeline-grpc"])
def test_check_shows_a_key_to_who_has_the_certificate(guarded: Guarded, command: Command, protocol: str) -> None:
    url = f"https://{guarded.serving.grpc}" if protocol.endswith("grpc") else guarded.url
    flags = ("--model-dir", guarded.package, "--name", "svc", "--protocol", protocol, "--ca", guarded.files / "tls.crt")
    keys = ("--api-key-file", guarded.files / "api-keys")
    right = command("check", "--url", url, *flags, *keys)
    assert right.status == 0, right.stdout + right.stderr
    without = command("check", "--url", url, *flags)
    assert (without.status, "an API key is needed" in without.message) == (1, True), without.message
    plain = command("check", "--url", "http://192.0.2.1:80", *flags, *keys)
    assert "whoever is on the way could read the key" in plain.message


@pytest.mark.parametrize("key", [None, "", "key-of-the-tests-2", KEY[:-1], f"{KEY}x", KEY.upper()])
def test_who_shows_none_is_refused_in_the_form_of_the_protocol(guarded: Guarded, key: str | None) -> None:
    answer = guarded.ask(key)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert (answer.json()["err_no"], answer.json()["err_msg"]) == (8000, REFUSED)
    for path in ("/v2/health/ready", "/v2/models/price/infer", "/v2/repository/index"):
        refused = guarded.ask(key, path)
        assert (refused.status_code, refused.json()) == (401, {"error": REFUSED})
    for method in (PIPELINE_INFERENCE, MODEL_INFER, "/grpc.health.v1.Health/Check"):
        assert guarded.call(key, method) == (grpc.StatusCode.UNAUTHENTICATED, REFUSED)


def test_a_key_that_is_no_bearer_is_none(guarded: Guarded) -> None:
    for header in (KEY, f"Basic {KEY}", f"Token {KEY}"):
        headers = {"Authorization": header}
        verify = str(guarded.files / "tls.crt")
        answer = requests.post(f"{guarded.url}/svc/prediction", b"{}", headers=headers, verify=verify, timeout=SECONDS)
        assert answer.status_code == 401


def test_plain_text_is_not_answered_and_the_kubelet_is_without_either(guarded: Guarded) -> None:
    with pytest.raises(requests.ConnectionError):
        guarded.serving.post(request_body())
    for path in ("/livez", "/readyz", "/startupz", "/metrics", "/report"):
        assert guarded.serving.get(path).status_code == 200


def test_refusals_are_counted(guarded: Guarded) -> None:
    name = 'paddle_serving_requests_total{code="401",protocol="oip_rest"}'
    before = guarded.serving.metrics().get(name, 0)
    guarded.ask("key-that-is-none-of-theirs", "/v2/health/ready")
    guarded.serving.wait_for(lambda: guarded.serving.metrics().get(name, 0) > before, "one more")


def test_no_key_is_in_anything_that_serve_says(guarded: Guarded) -> None:
    guarded.ask("key-that-is-none-of-theirs")
    guarded.ask()
    said = [guarded.serving.get(path).text for path in ("/metrics", "/report", "/readyz")]
    said += [guarded.ask(path="/v2/models/svc", method="GET").text, guarded.serving.log_file.read_text()]
    for text in said:
        assert text
        assert not any(secret in text for secret in (KEY, "key-that-is-none-of-theirs", "PRIVATE KEY"))


def replaced_under_load(guarded: Guarded, key: str, replace: Callable[[], object], taken: Callable[[], bool]) -> None:
    """Replaces a file while requests with this key are made, and until it is taken; every one is answered."""
    stop = Event()
    # a client may trust the old and the new certificate
    trusted = guarded.files / "trusted"
    trusted.write_text((guarded.files / "tls.crt").read_text())

    def load() -> set[int]:
        seen: set[int] = set()
        while not stop.is_set():
            headers = {"Authorization": f"Bearer {key}"}
            answer = requests.post(
                f"{guarded.url}/svc/prediction",
                json=request_body(),
                headers=headers,
                verify=str(trusted),
                timeout=SECONDS,
            )
            seen.add(answer.status_code)
        return seen

    with ThreadPoolExecutor(2) as pool:
        loads = [pool.submit(load) for _ in range(2)]
        try:
            replace()
            guarded.serving.wait_for(taken, "what has been replaced")
        finally:
            stop.set()
        assert [one.result() for one in loads] == [{200}, {200}]


def test_a_key_is_replaced_without_a_lost_request(guarded: Guarded) -> None:
    keys = guarded.files / "api-keys"
    for content, used, taken in (
        (f"{KEY}\n{NEXT}\n", KEY, lambda: guarded.ask(NEXT).status_code == 200),
        (f"{NEXT}\n", NEXT, lambda: guarded.ask(KEY).status_code == 401),
        (f"{NEXT}\n{KEY}\n", NEXT, lambda: guarded.ask(KEY).status_code == 200),
    ):
        replaced_under_load(guarded, used, partial(keys.write_text, content), taken)


def test_a_certificate_is_replaced_without_a_lost_request(guarded: Guarded) -> None:
    before = guarded.certificate()

    def replace() -> None:
        # the file that clients trust first: it has both
        new = guarded.files / "new"
        new.mkdir()
        certificate, key = write_certificate(new, "two")
        with (guarded.files / "trusted").open("a") as trusted:
            trusted.write(certificate.read_text())
        # not at once, as a kubelet does it, and so with a key for a moment that belongs to another certificate
        key.replace(guarded.files / "tls.key")
        certificate.replace(guarded.files / "tls.crt")

    replaced_under_load(guarded, KEY, replace, lambda: guarded.certificate() != before)
    assert guarded.ask().status_code == 200
    assert guarded.call()[0] is grpc.StatusCode.OK
    assert "PRIVATE" not in guarded.serving.log_file.read_text()


def test_a_front_that_dies_comes_back_with_the_certificate_and_the_keys_of_now(guarded: Guarded) -> None:
    certificate = guarded.certificate()
    os.kill(guarded.serving.front_pid(), signal.SIGKILL)
    guarded.serving.wait_for(lambda: front_answers(guarded), "another front")
    assert guarded.certificate() == certificate
    assert guarded.ask(None).status_code == 401


def front_answers(guarded: Guarded) -> bool:
    try:
        return guarded.ask().status_code == 200
    except requests.ConnectionError:
        return False
