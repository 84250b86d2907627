import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES, SERVICE_NAME
from tipc import answers, hook
from tipc.asking import ask, measure
from tipc.exchange import Route
from tipc.ports import free_port
from tipc.readiness import probe
from tipc.recorder import Recorder

CLIENT = """
import sys
import numpy as np
from {package} import PipelineClient

client = PipelineClient()
client.connect(["127.0.0.1:{port}"])
answer = client.predict(feed_dict={{"image": "cat", "clientip": "127.0.0.1"}}, fetch=["prob"])
print(answer)
"""
TENSORS = """
import numpy as np
from paddle_serving_server.pipeline import PipelineClient

client = PipelineClient()
client.connect(["127.0.0.1:{port}"])
feed = {{"ids": np.array([[1, 2**60]]), "x": np.array([[0.1]], np.float32), "clientip": "127.0.0.1"}}
print(client.predict(feed_dict=feed, pack_tensor_format=True))
"""


def classified(_request: Any, _context: Any) -> Any:  # noqa: ANN401 - protobuf messages
    return MESSAGES["Response"](key=["label", "prob"], value=["猫\n", "[0.9990356]"])


def echoed(request: Any, _context: Any) -> Any:  # noqa: ANN401 - protobuf messages
    return MESSAGES["Response"](tensors=request.tensors)


def broken(_request: Any, _context: Any) -> Any:  # noqa: ANN401 - protobuf messages
    return MESSAGES["Response"](err_no=8000, err_msg="no such key")


@contextmanager
def service(behaviour: Any = classified) -> Iterator[int]:  # noqa: ANN401 - a function of protobuf messages
    """A pipeline service over gRPC; yields its port."""
    server = grpc.server(ThreadPoolExecutor(2))
    method = grpc.unary_unary_rpc_method_handler(
        behaviour, MESSAGES["Request"].FromString, MESSAGES["Response"].SerializeToString
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, {"inference": method}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


def asked(tmp_path: Path, script: str, route: Route, seconds: float = 30) -> Any:  # noqa: ANN401 - see ask()
    (tmp_path / "pipeline_rpc_client.py").write_text(script)
    return ask([sys.executable, "pipeline_rpc_client.py"], tmp_path, route, tmp_path / "client.log", seconds)


@pytest.mark.parametrize("package", ["paddle_serving_server.pipeline", "paddle_serving_server_gpu.pipeline"])
def test_the_stock_client_is_recorded_as_over_http(tmp_path: Path, package: str) -> None:
    with service() as port:
        found = asked(tmp_path, CLIENT.format(package=package, port=port), Route())
        assert measure(found.exchanges, Route()) is not None
    assert found.why == ""
    (exchange,) = found.exchanges
    assert exchange.url == f"grpc://127.0.0.1:{port}/{SERVICE_NAME}/inference"
    assert exchange.status == "gRPC OK"
    assert b'"key": ["image"]' in exchange.body
    assert b'"value": ["cat"]' in exchange.body
    assert answers.from_response(exchange.answer)["prob"] == np.array([0.9990356])
    (printed,) = found.printed
    assert answers.from_response(printed)["label"] == "猫\n"


def test_numbers_of_tensors_keep_every_bit(tmp_path: Path) -> None:
    with service(echoed) as port:
        found = asked(tmp_path, TENSORS.format(port=port), Route())
    for body in (found.exchanges[0].answer, found.printed[0]):
        answer = answers.from_response(body)
        assert answer["ids"].tolist() == [[1, 2**60]]
        assert (answer["x"].dtype, answer["x"].tolist()) == (np.float32, [[float(np.float32(0.1))]])


def test_calls_can_be_sent_to_another_address_than_the_clients_own(tmp_path: Path) -> None:
    script = CLIENT.format(package="paddle_serving_server.pipeline", port=9993)
    with service() as port:
        found = asked(tmp_path, script, Route(grpc=("127.0.0.1", port)))
        assert measure(found.exchanges, Route(grpc=("127.0.0.1", port))) is not None
    assert found.why == ""
    assert found.exchanges[0].url.startswith("grpc://127.0.0.1:9993/")


def test_a_client_may_name_several_servers(tmp_path: Path) -> None:
    with service() as port:
        script = CLIENT.format(package="paddle_serving_server.pipeline", port=f'{port}", "127.0.0.1:{port}')
        found = asked(tmp_path, script, Route())
        assert measure(found.exchanges, Route()) is not None
    assert (found.why, len(found.exchanges)) == ("", 1)
    assert found.exchanges[0].url.startswith(f"grpc://127.0.0.1:{port},127.0.0.1:{port}/")


def test_an_error_of_the_service_is_a_failed_client(tmp_path: Path) -> None:
    with service(broken) as port:
        found = asked(tmp_path, CLIENT.format(package="paddle_serving_server.pipeline", port=port), Route())
    assert "gRPC OK from grpc://" in found.why
    assert "err_no is 8000: no such key" in found.why


def test_a_call_that_nobody_answers_is_kept_with_the_status(tmp_path: Path) -> None:
    script = CLIENT.format(package="paddle_serving_server.pipeline", port=free_port())
    found = asked(tmp_path, script, Route())
    (exchange,) = found.exchanges
    assert exchange.status == "gRPC UNAVAILABLE"
    assert b"gRPC status UNAVAILABLE: " in exchange.answer
    assert "exit status 1" in found.why


def test_in_capture_mode_no_call_is_sent_anywhere(tmp_path: Path) -> None:
    script = CLIENT.format(package="paddle_serving_server.pipeline", port=free_port())
    found = asked(tmp_path, script, Route(canned=True))
    assert [exchange.status for exchange in found.exchanges] == ["gRPC OK"]


def test_calls_of_other_services_are_handed_on_but_not_kept() -> None:
    with service() as port, Recorder(Route(), 10) as recorder:
        environment = recorder.environment(hook.installed(os.environ))
        script = f"import grpc; grpc.insecure_channel('127.0.0.1:{port}').unary_unary('/other/Method')(b'')"
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False, timeout=120
        )
    assert "UNIMPLEMENTED" in done.stderr
    assert recorder.exchanges == []


def test_a_service_without_http_is_ready_when_it_answers_a_call() -> None:
    with service(broken) as port:
        ready = probe(None, port)
        assert ready is not None
        assert ready() == ""
    not_yet = probe(None, free_port())
    assert not_yet is not None
    assert "UNAVAILABLE" in not_yet()
    assert probe(None, None) is None
