"""A client that asks another server than the one under test, over HTTP and gRPC."""

import socket
from pathlib import Path

import numpy as np
import pytest
from fakes import Repository, answer, says
from test_grpc import service
from test_recorder import server

from tipc import __main__ as program
from tipc import addresses
from tipc.ports import free_port

PORTS = {"http_port": 18080, "rpc_port": 9993}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    says(monkeypatch, {"class_id": np.array([8]), "prob": np.array([0.99903536])})
    return Repository(tmp_path)


def test_an_answer_of_another_server_is_none_of_the_service_under_test(repository: Repository) -> None:
    client = repository.service / "pipeline_http_client.py"
    with server([200]) as (port, bodies):
        client.write_text(client.read_text().replace("port = ", f"port = {port} #"))
        assert program.main([str(repository.config)]) == 1
    assert len(bodies) == 1
    (row,) = repository.rows()
    assert row["status"] == "failed"
    assert row["why"].startswith(
        f"{repository.config}:17: pipline: pipeline_http_client.py: the client asked 127.0.0.1:{port}, which is not "
        f"the service under test: that one listens on 127.0.0.1:{repository.port} (http_port)."
    )


def test_nor_is_one_over_grpc(repository: Repository) -> None:
    own = free_port()
    repository.listen(own)
    repository.behave(answer=answer(), rpc_port=own)
    with service() as other:
        repository.add_rpc_client(other, "cat")
        assert program.main([str(repository.config)]) == 1
    rpc, http = repository.rows()
    assert f"127.0.0.1:{other}" in rpc["why"]
    assert f"127.0.0.1:{own} (rpc_port)" in rpc["why"]
    assert http["status"] == "passed"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:18080/toy/prediction",
        "http://localhost:18080/toy/prediction",
        "http://0.0.0.0:18080/toy/prediction",
        f"http://{socket.gethostname()}:18080/toy/prediction",
        "grpc://localhost:9993/x.Y/inference",
        "grpc://127.0.0.1:9993,127.0.0.2:9993/x.Y/inference",
        "grpc://[::ffff:127.0.0.1]:9993/x.Y/inference",
    ],
)
def test_every_name_of_this_machine_is_the_service(url: str) -> None:
    assert addresses.elsewhere([url], PORTS) == ""


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://127.0.0.1:18081/toy/prediction", "127.0.0.1:18081"),
        ("http://127.0.0.1/toy/prediction", "127.0.0.1:80"),
        ("http://192.0.2.1:18080/toy/prediction", "192.0.2.1:18080"),
        ("http://service.invalid:18080/toy/prediction", "service.invalid:18080"),
        ("grpc://127.0.0.1:9993,127.0.0.1:9994/x.Y/inference", "127.0.0.1:9994"),
    ],
)
def test_other_ports_and_other_machines_are_not(url: str, named: str) -> None:
    said = addresses.elsewhere(["http://127.0.0.1:18080/toy/prediction", url], PORTS)
    assert said.startswith(f"the client asked {named}, which is not the service under test")
    assert "127.0.0.1:18080 (http_port) and 127.0.0.1:9993 (rpc_port)" in said


def test_requests_that_are_sent_to_the_service_anyway_may_name_any_address() -> None:
    assert addresses.elsewhere(["http://192.0.2.1:1/a/prediction"], {}) == ""
