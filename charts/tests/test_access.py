"""A service with TLS and API keys: what the chart asks for, and how `helm test` asks the service."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from charts.tests.scripts import Server
from charts.tests.test_golden_request_script import GOOD, Question, question
from images.serving.tests.certificates import write_certificate

if TYPE_CHECKING:
    from charts.tests.conftest import Helm

__all__ = ["question"]

CHART = "paddle-serving"
DEFAULT = Path(__file__).resolve().parents[1] / CHART / "ci" / "default-values.yaml"
REQUEST = ("--set-json", 'test.request={"key":["x"],"value":["1"]}')
BOTH = ("--set", "security.tlsSecret=certificate,security.apiKeySecret=keys")
KEY = "key-of-the-tests-0"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Server]:
    """A server that speaks TLS; its certificate and a file of keys lie in the test's folder."""
    (tmp_path / "api-keys").write_text(f"{KEY}\nanother-key-of-the-tests\n")
    made = Server()
    made.body = json.dumps(GOOD).encode()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write_certificate(tmp_path, "ocr.example.com"))
    made.http.socket = context.wrap_socket(made.http.socket, server_side=True)
    made.start()
    yield made
    made.stop()


def test_the_names_of_the_secrets_reach_the_custom_resource_and_the_test(helm: Helm) -> None:
    manifests = helm.template(CHART, *REQUEST, *BOTH, values=DEFAULT)
    assert manifests.one("PaddleService")["spec"]["security"] == {"tlsSecret": "certificate", "apiKeySecret": "keys"}
    pod = manifests.one("Pod")["spec"]
    asked = {"--url=https://ocr.paddle-system.svc:80/ocr/prediction", "--certificate=/tls/tls.crt"}
    assert asked | {"--api-keys=/api-keys/api-keys"} <= set(pod["containers"][0]["args"])
    items = {volume["name"]: volume["secret"]["items"] for volume in pod["volumes"] if "secret" in volume}
    assert {name: [item["key"] for item in found] for name, found in items.items()} == {
        "tls": ["tls.crt"],  # the private key is the pods' alone
        "api-keys": ["api-keys"],
    }


def test_by_default_there_is_neither(helm: Helm) -> None:
    manifests = helm.template(CHART, *REQUEST, values=DEFAULT)
    assert "security" not in manifests.one("PaddleService")["spec"]
    text = json.dumps(manifests.one("Pod"))
    assert "https://ocr" not in text
    assert "secretName" not in text


def test_the_test_shows_a_key_to_who_has_the_certificate(guarded: Server, question: Question, tmp_path: Path) -> None:
    flags = (f"--certificate={tmp_path / 'tls.crt'}", f"--api-keys={tmp_path / 'api-keys'}")
    outcome = question.ask(guarded.url.replace("http:", "https:"), None, 120, *flags)
    assert outcome.status == 0, outcome.said
    assert guarded.shown == [f"Bearer {KEY}"]
    assert KEY not in outcome.said


def test_the_test_shows_nothing_to_who_has_another_certificate(
    guarded: Server, question: Question, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other, _ = write_certificate(tmp_path / "other", "ocr.example.com")
    flags = (f"--certificate={other}", f"--api-keys={tmp_path / 'api-keys'}")
    outcome = question.ask(guarded.url.replace("http:", "https:"), None, 0.1, *flags)
    assert outcome.status == 1
    assert "CERTIFICATE_VERIFY_FAILED" in outcome.said
    assert guarded.shown == []
