"""Which script of a package is loaded, with which arguments, and which configuration that is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Service = Callable[..., Path]

Load = Callable[..., dict[str, Any]]

SCRIPT = """
import sys
from pathlib import Path
from paddle_serving_server.web_service import WebService, Op
class Service(WebService):
    def get_pipeline_response(self, read_op):
        return Op(name="uci", input_ops=[read_op])
service = Service(name="|".join([Path(__file__).name, *sys.argv[1:]]))
service.prepare_pipeline_config("config.yml")
service.run_service()
"""
PARSED = """
from paddle_serving_server.pipeline import PipelineServer, RequestOp, ResponseOp, Op
from paddle_serving_server.util import ArgsParser
arguments = ArgsParser().parse_args()
server = PipelineServer("parsed")
server.set_response_op(ResponseOp(input_ops=[Op(name="a", input_ops=[RequestOp()])]))
server.prepare_server(yml_dict=arguments.conf_dict)
server.run_server()
"""


def test_the_script_that_is_named_runs_with_its_own_arguments(service: Service, load: Load) -> None:
    root = service()
    (root / "web_service_det.py").write_text(SCRIPT)
    found = load(root, script="web_service_det.py --model_dir='a b' op.uci.concurrency=2")
    assert found["service"] == "web_service_det.py|--model_dir=a b|op.uci.concurrency=2"


def test_a_script_in_a_folder_runs_in_the_packages_own(service: Service, load: Load) -> None:
    root = service()
    (root / "deploy").mkdir()
    (root / "deploy/serve.py").write_text(SCRIPT)
    found = load(root, script="deploy/serve.py")
    assert (found["service"], found["cwd"]) == ("serve.py", str(root.resolve()))


def test_options_of_the_script_reach_its_configuration(service: Service, load: Load) -> None:
    root = service(web_service=PARSED, config=None)
    (root / "det.yml").write_text("op: {a: {retry: 2, timeout: 5}}")
    found = load(root, script='web_service.py --config det.yml --opt op.a.retry="4" op.a.timeout=70')
    assert found["nodes"][0]["batch"] == [1, None, 70.0, 4]
    found = load(root, {"op.a.retry": "3"}, script="web_service.py -c det.yml -o op.a.retry=4")
    assert found["nodes"][0]["batch"] == [1, None, 5.0, 3]


def test_an_error_names_the_file_that_the_script_has_read(service: Service, load: Load) -> None:
    root = service(web_service=PARSED)
    (root / "det.yml").write_text("op:\n  a:\n    retry: 0\n")
    found = load(root, script="web_service.py --config=det.yml")
    assert found["error"] == "ServiceBroken: det.yml:3: op.a.retry is 0, must be at least 1."


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("absent.py --x", "the script 'absent.py' is not in the package"),
        ("../outside.py", "the script '../outside.py' is not in the package"),
        ("web_service.py 'open", "is no command line: give FILE [ARGUMENT ...]"),
    ],
)
def test_a_script_that_cannot_be_run_is_refused(service: Service, load: Load, script: str, complaint: str) -> None:
    root = service()
    (root.parent / "outside.py").touch()
    found = load(root, script=script)
    assert found["exitCode"] == 2
    assert complaint in found["error"]


@pytest.mark.parametrize(
    ("kind", "devices", "override", "device"),
    [(1, "0", "", "cpu"), (1, "0", "null", "cpu"), (0, "", "0", "gpu:0"), (-1, "", "1", "gpu:1")],
)
def test_devices_alone_say_the_device_whatever_the_file_says(
    service: Service, load: Load, kind: int, devices: str, override: str, device: str
) -> None:
    local = f'{{model_config: uci_housing_model, device_type: {kind}, devices: "{devices}"}}'
    root = service(config=f"op: {{uci: {{local_service_conf: {local}}}}}")
    (node,) = load(root, {"op.uci.local_service_conf.devices": override})["nodes"]
    assert node["switches"]["device"] == device


def test_devices_alone_do_not_take_tensorrt_away(service: Service, load: Load) -> None:
    local = '{model_config: uci_housing_model, device_type: 2, devices: ""}'
    root = service(config=f"op: {{uci: {{local_service_conf: {local}}}}}")
    assert "TensorRT is not supported" in load(root, {"op.uci.local_service_conf.devices": "0"})["error"]
