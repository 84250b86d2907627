"""The official client against a small HTTP server that records what it is sent."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from kubernetes import client
from kubernetes.config import incluster_config
from typing_extensions import override

from paddle_serving_operator.constants import DEPLOYMENT, PADDLE_SERVICE, SERVICE
from paddle_serving_operator.kube.errors import Conflict, Forbidden, Invalid, KubeError, NotFound, Unavailable
from paddle_serving_operator.kube.rest import RestCluster, load_configuration
from paddle_serving_operator.recorder import Unrecorded


class Server(BaseHTTPRequestHandler):
    port: ClassVar[int] = 0
    answers: ClassVar[list[tuple[int, Any]]] = []
    requests: ClassVar[list[tuple[str, str, str | None, Any]]] = []

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.requests.append(
            (f"{self.command} {self.path}", self.headers["Content-Type"] or "", self.headers["Authorization"], body)
        )
        status, answer = self.answers.pop(0) if self.answers else (200, {})
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PATCH = do_POST = do_DELETE = handle_any  # noqa: N815 - the base class's names

    @override
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[type[Server]]:
    Server.answers, Server.requests = [], []
    http = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
    Server.port = http.server_port
    yield Server
    http.shutdown()
    http.server_close()


@pytest.fixture
def cluster(server: type[Server]) -> RestCluster:
    configuration = client.Configuration()
    configuration.host = f"http://127.0.0.1:{server.port}"
    configuration.api_key = {"authorization": "Bearer secret"}
    return RestCluster(configuration, connections=1, recorder=Unrecorded())


def test_every_request_carries_the_token(cluster: RestCluster, server: type[Server]) -> None:
    cluster.get(SERVICE, "default", "ocr")
    assert server.requests[0][2] == "Bearer secret"


def test_in_a_pod_the_token_of_the_service_account_is_sent_and_no_proxy_is_asked(
    server: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, certificate = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("of-the-pod", encoding="utf-8")
    certificate.write_text("certificate", encoding="utf-8")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(certificate))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):  # of the chart's value `env`
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    configuration = load_configuration()
    assert configuration.host == "https://127.0.0.1:443"
    assert configuration.ssl_ca_cert == str(certificate)
    configuration.refresh_api_key_hook = None  # it would set the address again
    configuration.host = f"http://127.0.0.1:{server.port}"
    RestCluster(configuration, connections=1, recorder=Unrecorded()).get(SERVICE, "default", "ocr")
    assert (server.requests[0][2] or "").lower() == "bearer of-the-pod"


def test_an_object_that_is_not_there_is_none(cluster: RestCluster, server: type[Server]) -> None:
    server.answers = [(404, {"message": "not found"})]
    assert cluster.get(PADDLE_SERVICE, "default", "ocr") is None
    assert server.requests[0][0] == "GET /apis/serving.paddlepaddle.org/v1alpha1/namespaces/default/paddleservices/ocr"


def test_a_list_is_read_page_by_page(cluster: RestCluster, server: type[Server]) -> None:
    server.answers = [
        (200, {"items": [{"n": 1}], "metadata": {"continue": "more"}}),
        (200, {"items": [{"n": 2}], "metadata": {}}),
    ]
    assert cluster.list(SERVICE, "default", "a=b") == [{"n": 1}, {"n": 2}]
    assert "labelSelector=a%3Db" in server.requests[0][0]
    assert "continue=more" in server.requests[1][0]


def test_a_list_whose_next_page_has_expired_is_read_anew_as_a_whole(cluster: RestCluster, server: type[Server]) -> None:
    server.answers = [
        (200, {"items": [{"n": 1}], "metadata": {"continue": "more"}}),
        (410, {"message": "The provided continue parameter is too old"}),
        (200, {"items": [{"n": 1}, {"n": 2}], "metadata": {}}),
    ]
    assert cluster.list(SERVICE, "default", "a=b") == [{"n": 1}, {"n": 2}]
    anew = server.requests[2][0]
    assert "labelSelector=a%3Db" in anew
    assert "limit" not in anew
    assert "continue" not in anew


def test_a_log_is_text_and_its_length_is_bounded(cluster: RestCluster, server: type[Server]) -> None:
    server.answers = [(200, {"message": "refused"}), (404, {"message": 'pods "ocr-1" not found'})]
    assert cluster.log("default", "ocr-1", "serve", previous=True) == '{"message": "refused"}'
    path = server.requests[0][0]
    assert path.startswith("GET /api/v1/namespaces/default/pods/ocr-1/log?")
    for part in ("container=serve", "previous=true", "tailLines=", "limitBytes="):
        assert part in path
    with pytest.raises(NotFound, match="log Pod default/ocr-1: pods"):
        cluster.log("default", "ocr-1", "serve", previous=False)


def test_applying_is_strict_and_has_the_field_manager(cluster: RestCluster, server: type[Server]) -> None:
    manifest = {"metadata": {"name": "ocr-1"}}
    cluster.apply(DEPLOYMENT, "default", manifest)
    cluster.apply_status(PADDLE_SERVICE, "default", {"metadata": {"name": "ocr"}})
    path, content_type, _, body = server.requests[0]
    assert path.startswith("PATCH /apis/apps/v1/namespaces/default/deployments/ocr-1?")
    assert "fieldManager=paddle-serving-operator" in path
    assert "force=true" in path
    assert "fieldValidation=Strict" in path
    assert content_type == "application/apply-patch+yaml"
    assert body == manifest
    assert "paddleservices/ocr/status?" in server.requests[1][0]


def test_deleting_names_the_uid_and_forgives_what_is_gone(cluster: RestCluster, server: type[Server]) -> None:
    server.answers = [(404, {"message": "not found"})]
    cluster.delete(DEPLOYMENT, "default", "ocr-1", "u1")
    assert server.requests[0][3]["preconditions"] == {"uid": "u1"}
    assert server.requests[0][3]["propagationPolicy"] == "Background"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (409, Conflict),
        (403, Forbidden),
        (401, Forbidden),
        (422, Invalid),
        (400, Invalid),
        (404, NotFound),
        (429, Unavailable),
        (500, Unavailable),
    ],
)
def test_an_error_becomes_one_of_five_kinds_and_says_what_was_tried(
    cluster: RestCluster, server: type[Server], status: int, kind: type[KubeError]
) -> None:
    server.answers = [(status, {"message": "the server's reason"})]
    with pytest.raises(kind, match="patch Deployment default/ocr-1: the server's reason"):
        cluster.apply(DEPLOYMENT, "default", {"metadata": {"name": "ocr-1"}})
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "problem",
    [
        ".spec.template.spec.affinity.nodeAfinity: field not declared in schema",
        ".spec.template.spec.tolerations: expected list, got &{map[]}",
    ],
)
def test_a_field_that_the_schema_does_not_know_is_a_mistake_and_no_outage(
    cluster: RestCluster, server: type[Server], problem: str
) -> None:
    sentence = f"failed to create typed patch object (default/ocr-1; apps/v1, Kind=Deployment): {problem}"
    server.answers = [(500, {"message": sentence})]
    with pytest.raises(Invalid, match="patch Deployment default/ocr-1: failed to create"):
        cluster.apply(DEPLOYMENT, "default", {"metadata": {"name": "ocr-1"}})


def test_no_answer_is_unavailable() -> None:
    configuration = client.Configuration()
    configuration.host = "http://127.0.0.1:1"
    with pytest.raises(Unavailable, match="no answer from the API server"):
        RestCluster(configuration, connections=1, recorder=Unrecorded()).get(SERVICE, "default", "ocr")


def test_it_knows_whether_the_definition_is_installed(cluster: RestCluster, server: type[Server]) -> None:
    server.answers = [
        (404, {}),
        (200, {"resources": [{"name": "other"}]}),
        (200, {"resources": [{"name": "paddleservices"}]}),
    ]
    assert [cluster.serves(PADDLE_SERVICE) for _ in range(3)] == [False, False, True]
