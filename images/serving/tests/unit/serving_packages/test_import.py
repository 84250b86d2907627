"""The packages are imported in a fresh interpreter each time: an import hook is a thing of the whole process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from images.serving.tests.object_loaders import CONTENTS, watch
from paddle_serving_client import Client, HttpClient

PROLOGUE = """
import sys
written = []
def watch(event, arguments):
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        written.append(str(arguments[0]))
    if event in ("os.mkdir", "os.rename", "socket.connect", "socket.bind"):
        written.append(f"{event} {arguments[0]}")
sys.addaudithook(watch)
from paddle_serving_runtime.serving_packages import install
install()
"""


def run_fresh(code: str, folder: Path) -> str:
    for name in ("work", "tmp"):
        (folder / name).mkdir()
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(folder / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROLOGUE + code],
        cwd=folder / "work",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_pipeline_server_is_imported_without_a_file_or_a_connection(tmp_path: Path) -> None:
    out = run_fresh(
        """
import paddle_serving_server.web_service, paddle_serving_server.pipeline
print([path for path in written if not path.startswith("/dev/")])
print("paddle" in sys.modules, "pytest" in sys.modules)
""",
        tmp_path,
    )
    assert out.splitlines() == ["[]", "False False"]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_generated_messages_read_and_write_the_wire_format(tmp_path: Path) -> None:
    out = run_fresh(
        """
from paddle_serving_server.pipeline.proto.pipeline_service_pb2 import Request, Response, Tensor
request = Request(key=["k"], value=["v"], tensors=[Tensor(name="x", elem_type=1, shape=[2], float_data=[1, 2.5])])
print(Request.FromString(request.SerializeToString()) == request, request.SerializeToString().hex())
from paddle_serving_server.proto import general_model_config_pb2 as server, server_configure_pb2
from paddle_serving_app.proto import general_model_config_pb2 as app
conf = server.GeneralModelConfig(feed_var=[server.FeedVar(name="x", shape=[13])])
print(app.GeneralModelConfig.FromString(conf.SerializeToString()).feed_var[0].shape)
""",
        tmp_path,
    )
    tensor = "12080000803f00002040" + "a00101" + "aa010102" + "ba010178"  # float_data, elem_type, shape, name
    assert out.splitlines()[0] == "True 0a016b120176" + f"1a{len(tensor) // 2:02x}" + tensor
    assert out.splitlines()[1] == "[13]"


@pytest.mark.parametrize("retry", [1, 2, 3])
def test_an_op_keeps_its_number_of_attempts(tmp_path: Path, retry: int) -> None:
    out = run_fresh(f"from paddle_serving_server.web_service import Op; print(Op(retry={retry})._retry)", tmp_path)
    assert out.strip() == str(retry)


def test_a_tensor_of_elem_type_13_is_refused_before_it_is_read(tmp_path: Path) -> None:
    record = tmp_path / "loaded.txt"
    out = run_fresh(
        watch(record)
        + f"""
from paddle_serving_server.pipeline import RequestOp
from paddle_serving_server.pipeline.proto.pipeline_service_pb2 import Request, Tensor
_numpy.load("nothing")
for content in {CONTENTS!r}:
    request = Request(tensors=[Tensor(name="x", elem_type=13, byte_data=content)])
    try:
        RequestOp().unpack_request_package(request)
    except ValueError as error:
        print(error)
""",
        tmp_path,
    )
    refusal = "tensor x has elem_type 13 (opaque bytes), which is refused"
    assert out.splitlines() == [refusal] * len(CONTENTS)
    # the one call is the script's own, which shows that calls are recorded
    assert record.read_text().splitlines() == ["numpy.load"]


def test_signal_handlers_of_the_process_survive_the_import(tmp_path: Path) -> None:
    out = run_fresh(
        """
import signal
before = signal.getsignal(signal.SIGINT)
import paddle_serving_server.serve
print(signal.getsignal(signal.SIGINT) is before, signal.signal(signal.SIGINT, signal.SIG_IGN) is before)
""",
        tmp_path,
    )
    assert out.strip() == "True True"


def test_the_packages_never_kill_the_process_group(tmp_path: Path) -> None:
    out = run_fresh(
        """
from paddle_serving_server.pipeline.error_catch import ErrorCatch, CustomException, CustomExceptionCode
@ErrorCatch
def fail():
    raise CustomException(CustomExceptionCode.CONF_ERROR, "wrong")
try:
    fail()
except RuntimeError as error:
    print("alive:", error)
""",
        tmp_path,
    )
    assert "alive: Paddle Serving asked to kill its own process group" in out


def test_the_brpc_client_says_that_it_is_not_served() -> None:
    for client in (Client, HttpClient):
        with pytest.raises(NotImplementedError, match=r"brpc.*not served here.*HTTP POST"):
            client("model.prototxt")


def test_numpy_has_all_its_names_and_loads_none_for_the_packages(tmp_path: Path) -> None:
    out = run_fresh(
        """
import paddle_serving_server.web_service
from paddle_serving_server.pipeline import operator, pipeline_client
print(operator.ndarray is pipeline_client.ndarray, "numpy.f2py" in sys.modules, "numpy.testing" in sys.modules)
from numpy import *
print(testing.__name__, f2py.__name__)
""",
        tmp_path,
    )
    assert out.splitlines() == ["True False False", "numpy.testing numpy.f2py"]


def test_the_gpu_edition_is_the_same_package_under_its_old_name(tmp_path: Path) -> None:
    out = run_fresh(
        """
from paddle_serving_server_gpu.web_service import WebService
from paddle_serving_server_gpu.pipeline import PipelineClient
import paddle_serving_server_gpu, paddle_serving_server.pipeline as own, paddle_serving_server.web_service as web
print(own.PipelineClient is PipelineClient, web.WebService is WebService)
print(paddle_serving_server_gpu.pipeline is own, own.__name__, own.__spec__.name)
try:
    import paddle_serving_server_gpu.nothing
except ModuleNotFoundError as error:
    print(error)
""",
        tmp_path,
    )
    assert out.splitlines() == [
        "True True",
        "True paddle_serving_server.pipeline paddle_serving_server.pipeline",
        "No module named 'paddle_serving_server_gpu.nothing'",
    ]


def test_an_installed_package_of_the_old_name_stays_itself(tmp_path: Path) -> None:
    package = tmp_path / "mine" / "paddle_serving_server_gpu"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("name = 'installed'")
    code = f"sys.path.insert(0, {str(package.parent)!r}); import paddle_serving_server_gpu as p; print(p.name)"
    assert run_fresh(code, tmp_path).strip() == "installed"
