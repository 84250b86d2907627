"""The supervisor's answer for a dead worker, through a real HAProxy: a refusal in the protocol of the request."""

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import grpc
import pytest
import requests

from e2e.ports import free_ports
from images.serving.tests.unit.front.test_config import LIMIT, settings
from paddle_serving_runtime.front import render
from paddle_serving_runtime.front.refusals import refusal_files
from paddle_serving_runtime.protocol.paths import MODEL_INFER, PIPELINE_INFERENCE
from paddle_serving_runtime.supervisor.lost import LOST_RESPONSE

SECONDS = 60.0
LOST = "the worker of this request was lost; retry"


@dataclass(frozen=True)
class Front:
    http: str
    grpc: str


def lose_every_request(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            if connection.recv(65536):
                connection.sendall(LOST_RESPONSE)
                while connection.recv(65536):
                    pass


def wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        assert process.poll() is None, f"HAProxy ended with status {process.poll()}"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, f"nothing listens on port {port}"
            time.sleep(0.02)
        else:
            return


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    port, grpc_port = free_ports(2)
    configured = replace(settings(tmp_path, workers=1, grpc_port=grpc_port), port=port)
    configured.error_folder.mkdir()
    for name, content in refusal_files(LIMIT).items():
        (configured.error_folder / name).write_bytes(content)
    path = tmp_path / "haproxy.cfg"
    path.write_text(render(configured).replace(f"{configured.workers[0]} disabled", str(configured.workers[0])))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(configured.workers[0]))
        listener.listen()
        threading.Thread(target=lose_every_request, args=(listener,), daemon=True).start()
        process = subprocess.Popen(["haproxy", "-f", str(path)], stdout=subprocess.DEVNULL)
        try:
            wait_for_port(port, process)
            yield Front(f"http://127.0.0.1:{port}", f"127.0.0.1:{grpc_port}")
        finally:
            process.kill()
            process.wait()
            listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/svc/prediction", {"err_no": 3001, "err_msg": LOST, "key": [], "value": [], "tensors": []}),
        ("/v2/models/svc/infer", {"error": LOST}),
    ],
)
def test_http(front: Front, path: str, body: dict[str, object]) -> None:
    response = requests.post(f"{front.http}{path}", data=b"{}", timeout=SECONDS)
    assert (response.status_code, response.json()) == (503, body)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]


@pytest.mark.parametrize("path", [PIPELINE_INFERENCE, MODEL_INFER])
@pytest.mark.parametrize("size", [10, 500_000], ids=["short", "long"])
def test_grpc(front: Front, path: str, size: int) -> None:
    with grpc.insecure_channel(front.grpc) as channel:
        call = channel.unary_unary(path, request_serializer=bytes, response_deserializer=bytes)
        with pytest.raises(grpc.RpcError) as raised:
            call(bytes(size), timeout=SECONDS)
    assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.UNAVAILABLE, LOST)
