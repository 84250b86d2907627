"""Line 11 and line 12 with the real runtime and Paddle: which script is served, with what, and on which device."""

import contextlib
import json
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tipc import __main__ as program
from tipc.ports import free_port

EXPORT = """
import os
os.environ["FLAGS_enable_pir_api"] = "0"
import paddle
paddle.seed(3)
layer = paddle.nn.Linear(4, 3)
layer.eval()
spec = paddle.static.InputSpec([None, 4], "float32", name="input")
paddle.jit.save(layer, "model/inference", input_spec=[spec])
"""
SERVICE = """
import argparse, sys
import numpy as np
import yaml
from paddle_serving_server.web_service import WebService, Op

SCALE = {scale}

class ToyOp(Op):
    def init_op(self):
        pass

    def preprocess(self, input_dicts, data_id, log_id):
        (_, values), = input_dicts.items()
        self.x = np.array([[float(v) * SCALE for v in values["x"].split(",")]], dtype="float32")
        return {{"input": self.x}}, False, None, ""

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        (row,), = fetch_dict.values()
        return {{"row": str([float(v) for v in row]), "x": str([float(v) for v in self.x[0]])}}, None, ""

class ToyService(WebService):
    def get_pipeline_response(self, read_op):
        return ToyOp(name="toy", input_ops=[read_op])

service = ToyService(name="toy")
{start}
service.run_service()
"""
PLAIN = 'service.prepare_pipeline_config("config.yml")'
READS_ARGUMENTS = """
parser = argparse.ArgumentParser()
parser.add_argument("--config")
parser.add_argument("--scale", type=float, required=True)
parser.add_argument("rest", nargs="*")
arguments = parser.parse_args()
SCALE = arguments.scale
config = yaml.safe_load(open(arguments.config))
for word in arguments.rest:
    key, value = word.split("=")
    config["op"]["toy"]["local_service_conf"][key.split(".")[-1]] = value
service.prepare_pipeline_config(yml_dict=config)
"""
CONFIG_YML = """\
http_port: {port}
rpc_port: {rpc_port}
dag: {{is_thread_op: false}}
op:
  toy:
    concurrency: 1
    local_service_conf: {{model_config: {model}, device_type: {kind}, devices: "{devices}"}}
"""
CLIENT = """
import json, requests
body = {{"key": ["x"], "value": ["1,2,3,4"]}}
print(requests.post("http://127.0.0.1:{port}/toy/prediction", data=json.dumps(body)).json())
"""
RPC_CLIENT = """
from paddle_serving_server_gpu.pipeline import PipelineClient

client = PipelineClient()
client.connect(["127.0.0.1:{rpc_port}"])
print(client.predict(feed_dict={{"x": "1,2,3,4", "clientip": "127.0.0.1"}}, fetch=["row"]))
"""
LINES = """\
===========================serving_params===========================
model_name:toy
python:{python}
trans_model:{convert}
--dirname:./model/
--model_filename:inference.pdmodel
--params_filename:inference.pdiparams
--serving_server:./deploy/serving/server
--serving_client:./deploy/serving/client
serving_dir:./deploy/serving
web_service:{web_service}
{device}
{onednn}
null:null
null:null
null:null
pipline:{client}
null:null
"""


INFER = """
import argparse, sys
import numpy as np
from paddle import inference

parser = argparse.ArgumentParser()
parser.add_argument("--model-dir")
folder = parser.parse_args().model_dir
config = inference.Config(f"{folder}/inference.pdmodel", f"{folder}/inference.pdiparams")
predictor = inference.create_predictor(config)
predictor.get_input_handle("input").copy_from_cpu(np.array([[-1, -2, -3, -4]], "float32"))
predictor.run()
((row),) = predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()
print({"row": [float(value) for value in row]})
"""
OTHER_WEIGHTS = """
import runpy, sys
import numpy as np
try:
    runpy.run_module("paddle_serving_client.convert", run_name="__main__", alter_sys=True)
except SystemExit as ended:
    if ended.code:
        raise
path = "deploy/serving/server/inference.pdiparams"
content = bytearray(open(path, "rb").read())
content[-48:] = np.frombuffer(bytes(content[-48:]), "<f4")[::-1].tobytes()
open(path, "wb").write(bytes(content))
"""


class Repository:
    """A service whose answer says which script made it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.serving = root / "deploy/serving"
        self.serving.mkdir(parents=True)
        self.ports = {"port": free_port(), "rpc_port": free_port()}
        subprocess.run([sys.executable, "-W", "ignore", "-c", EXPORT], cwd=root, check=True, capture_output=True)
        self.write("web_service.py", SERVICE.format(scale=-1.0, start=PLAIN))
        self.write("web_service_v2.py", SERVICE.format(scale=0.0, start=READS_ARGUMENTS))
        self.write("pipeline_http_client.py", CLIENT.format(**self.ports))
        self.write("pipeline_rpc_client.py", RPC_CLIENT.format(**self.ports))
        self.configure("config.yml")

    def write(self, name: str, text: str) -> None:
        (self.serving / name).write_text(textwrap.dedent(text))

    def configure(self, name: str, model: str = "./server", kind: int = 0, devices: str = "") -> None:
        self.write(name, CONFIG_YML.format(**self.ports, model=model, kind=kind, devices=devices))

    def run(
        self,
        web_service: str,
        device: str = "null",
        client: str = "pipeline_http_client.py",
        onednn: str = "null:null",
        convert: str = "-m paddle_serving_client.convert",
    ) -> tuple[int, dict[str, Any]]:
        """Exit status and the only row; lines 11, 12, 17, 13 and 4 of the configuration."""
        device = f"op.toy.local_service_conf.devices:{device}" if device else "null:null"
        lines = {"web_service": web_service, "device": device, "client": client, "onednn": onednn, "convert": convert}
        text = LINES.format(python=sys.executable, **lines)
        (self.root / "config.txt").write_text(text)
        status = program.main(["config.txt"])
        (row,) = json.loads((self.root / "test_tipc/output/report_toy.json").read_text())
        return status, row


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    return Repository(tmp_path)


def test_exactly_the_script_of_line_11_runs_with_its_own_arguments(repository: Repository) -> None:
    """config.yml names a model that is not there; v2.yml asks for a GPU, which line 12 takes back."""
    repository.configure("config.yml", model="./no_such_model")
    repository.configure("v2.yml", kind=1, devices="0")
    status, row = repository.run("web_service_v2.py --config=v2.yml --scale 7")
    assert row["why"] == ""
    assert (status, row["asked_device"], row["device"], row["backend"]) == (0, "cpu", "cpu", "Default")
    (log,) = (repository.root / "test_tipc/output").glob("server_infer_cpu_*.log")
    assert "'[7.0, 14.0, 21.0, 28.0]'" in log.read_text()


def test_the_configuration_file_that_line_11_names_is_the_one_that_counts(repository: Repository) -> None:
    repository.configure("v2.yml", model="./no_such_model")
    status, row = repository.run("web_service_v2.py --config=v2.yml --scale=7")
    assert (status, row["status"]) == (1, "failed")
    assert "model_config is './no_such_model', but the package has no such folder" in row["why"]


def test_a_script_that_names_its_file_itself_listens_where_that_says(repository: Repository) -> None:
    repository.write("web_service.py", SERVICE.format(scale=2.0, start=PLAIN.replace("config.yml", "own.yml")))
    repository.configure("own.yml")
    (repository.serving / "config.yml").unlink()
    status, row = repository.run("web_service.py")
    assert (status, row["why"], row["status"]) == (0, "", "passed")


def test_a_gpu_row_without_a_gpu_is_skipped_whatever_the_files_say(repository: Repository) -> None:
    status, row = repository.run("web_service.py", device="0")
    assert (status, row["status"], row["asked_device"], row["device"]) == (1, "skipped", "gpu", "-")
    assert row["why"].startswith("device gpu:0 is asked for, but this Paddle is built for CPU")


def test_so_is_one_of_a_service_whose_own_file_asks_for_a_gpu(repository: Repository) -> None:
    repository.configure("config.yml", kind=1, devices="0")
    status, row = repository.run("web_service.py", device="")
    assert (status, row["status"], row["asked_device"], row["device"]) == (1, "skipped", "-", "-")
    assert row["why"].startswith("device gpu:0 is asked for, but this Paddle is built for CPU")
    status, row = repository.run("web_service.py op.toy.local_service_conf.devices=", device="")
    assert (status, row["why"], row["device"]) == (0, "", "cpu")


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("op.wrong.local_service_conf.use_mkldnn", "the service has no Op of this name."),
        ("op.toy.local_service_conf.use_mkldn", "Paddle Serving does not know this key."),
    ],
)
def test_a_switch_without_effect_is_not_reported_as_tested(repository: Repository, key: str, reason: str) -> None:
    status, row = repository.run("web_service.py", onednn=f"{key}:True")
    assert (status, row["status"], row["requests"]) == (1, "failed", 0)
    assert f"line 13: {key} has no effect on the service, so that nothing is tested with it: {reason}" in row["why"]


def test_an_rpc_client_is_served_on_rpc_port_although_another_has_port_9000(repository: Repository) -> None:
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # it is taken already
            stack.enter_context(socket.create_server(("0.0.0.0", 9000)))  # noqa: S104 - wherever one would listen
        status, row = repository.run("web_service.py", client="pipeline_rpc_client.py")
    assert (status, row["why"], row["requests"]) == (0, "", 1)
    assert row["served"].startswith("row [")


def test_the_authors_own_inference_agrees_with_a_service_that_does_as_it(repository: Repository) -> None:
    (repository.root / "infer.py").write_text(INFER)
    status, row = repository.run("web_service.py")
    assert (status, row["why"], row["author"]) == (0, "", "equal (row); not printed by it: x")


def test_a_service_that_preprocesses_otherwise_than_its_author_fails(repository: Repository) -> None:
    (repository.root / "infer.py").write_text(INFER)
    repository.write("web_service.py", SERVICE.format(scale=1.5, start=PLAIN))
    status, row = repository.run("web_service.py")
    assert (status, row["author"]) == (1, "differs")
    assert "the author's inference says" in row["why"]


@pytest.mark.parametrize("output", ["[round(float(v), 4) for v in row]", "[float(v) for v in row[::-1]]"])
def test_an_output_that_the_service_rounds_or_swaps_fails(repository: Repository, output: str) -> None:
    (repository.root / "infer.py").write_text(INFER)
    wrong = SERVICE.replace('"row": str([float(v) for v in row])', f'"row": str({output})')
    assert wrong != SERVICE
    repository.write("web_service.py", wrong.format(scale=-1.0, start=PLAIN))
    status, row = repository.run("web_service.py")
    assert (status, row["author"]) == (1, "differs")


def test_a_conversion_that_changes_a_weight_fails_without_the_author(repository: Repository) -> None:
    (repository.root / "convert.py").write_text(OTHER_WEIGHTS)
    status, row = repository.run("web_service.py", convert="convert.py")
    assert (status, row["consistent"]) == (1, "no")
    assert "Paddle Inference on the model before its conversion says" in row["why"]
