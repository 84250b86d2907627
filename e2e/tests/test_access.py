"""TLS and API keys at the front of the pods: from Secrets that are named, and also between two revisions."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from e2e.lib.wait import minutes
from images.serving.tests.certificates import write_certificate

if TYPE_CHECKING:
    from e2e.lib.cluster import Object
    from e2e.lib.given import Given

pytestmark = pytest.mark.e2e

KEY = "a-key-of-the-end-to-end-tests"
SECONDS = 60.0


def secret(name: str, kind: str, content: dict[str, str]) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "stringData": content}


def test_clients_need_tls_and_a_key_and_a_new_revision_is_still_compared(given: Given, tmp_path: Path) -> None:
    certificate, private = write_certificate(tmp_path, "uci-housing")
    pair = {"tls.crt": certificate.read_text(), "tls.key": private.read_text()}
    keys = secret("keys", "Opaque", {"api-keys": f"{KEY}\n"})
    given.namespace.apply(secret("certificate", "kubernetes.io/tls", pair), keys)
    security = {"tlsSecret": "certificate", "apiKeySecret": "keys"}
    rollout = {"drift": {"mode": "Require"}}
    service = given.service("uci-housing", security=security, rollout=rollout).is_healthy()
    assert service.resource()["status"]["url"].startswith("https://")

    with service.forwarded() as plain:
        url, body = plain.replace("http:", "https:"), service.sample("house.json")
        verify, shown = str(certificate), {"Authorization": f"Bearer {KEY}"}
        answer = requests.post(url, body, headers=shown, verify=verify, timeout=SECONDS)
        assert (answer.status_code, "price" in answer.text) == (HTTPStatus.OK, True)
        refused = requests.post(url, body, verify=verify, timeout=SECONDS)
        assert refused.status_code == HTTPStatus.UNAUTHORIZED
        with pytest.raises(requests.ConnectionError):
            requests.post(plain, body, timeout=SECONDS)

    service.when.spec_is_changed(drain={"delay": "6s"})
    service.is_healthy()
    assert service.resource()["status"]["verification"]["drift"]["complete"]


def test_a_missing_secret_is_named(given: Given) -> None:
    service = given.service("uci-housing", security={"apiKeySecret": "nowhere"})
    service.then.fails("InvalidOption", says=("--api-key-file", "/api-keys/api-keys"), within=minutes(3))
