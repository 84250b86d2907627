"""Loading a service changes the working directory and sys.path for good, so each is loaded in a forked process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

Service = Callable[..., Path]

Load = Callable[..., dict[str, Any]]

LOADER = """
import dataclasses, io, json, os, sys
from pathlib import Path
from paddle_serving_runtime import serving_packages
from paddle_serving_runtime.errors import ServingError
from paddle_serving_runtime.graph import load
from paddle_serving_runtime.model.package import load_package
from paddle_serving_runtime.model.predictor import Switches

serving_packages.install()
import paddle_serving_server.web_service  # once, as it takes most of the time

def describe(node, root):
    return {
        "name": node.name,
        "op": type(node.op).__name__,
        "inputs": node.inputs,
        "model": str(node.model_dir.relative_to(root)) if node.model_dir else None,
        "switches": dataclasses.asdict(node.switches),
        "fetches": node.fetches,
        "batch": [node.batch_size, node.auto_batching_timeout_ms, node.timeout_ms, node.retry],
        "attributes": {
            name: getattr(node.op, name, None) for name in ("ir_optim", "thread_num", "devices", "concurrency")
        },
    }

def answer(root, overrides, defaults):
    touched = []
    sys.addaudithook(lambda event, arguments: touched.append(event) if event.startswith("socket.") else None)
    printed = sys.stdout = io.StringIO()
    try:
        package = load_package(Path(root))
        graph = load(package, overrides, Switches(**defaults))
    except ServingError as error:
        return {"error": error.describe(), "exitCode": error.exit_code}
    return {
        "service": graph.service,
        "output": graph.output,
        "nodes": [describe(node, package.root) for node in graph.nodes],
        "warnings": graph.warnings,
        "touched": touched,
        "printed": printed.getvalue(),
        "cwd": str(Path.cwd()),
        "response": type(graph.response_op).__name__,
    }

for line in sys.stdin:
    if (child := os.fork()) == 0:
        os.write(1, json.dumps(answer(*json.loads(line))).encode() + b"\\n")
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        os.write(1, b"null\\n")
"""


@pytest.fixture(scope="module")
def load() -> Iterator[Load]:
    """Loads a package with overrides and default switches, and returns what came of it."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", LOADER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        requests, answers = process.stdin, process.stdout

        def ask(root: Path, overrides: Mapping[str, str] | None = None, **defaults: object) -> dict[str, Any]:
            requests.write(json.dumps([str(root), overrides or {}, defaults]) + "\n")
            requests.flush()
            found = json.loads(answers.readline())
            assert found is not None, "the process that loaded the service died"
            return dict(found)

        yield ask
        requests.close()


@pytest.fixture
def error_of(load: Load) -> Callable[..., str]:
    """The message of the error that loading a package ends with; it has no path of this machine."""

    def ask(root: Path, overrides: Mapping[str, str] | None = None) -> str:
        found = load(root, overrides)
        assert found["exitCode"] == 4
        message: str = found["error"]
        assert str(root.parent) not in message
        return message

    return ask


def test_a_service_is_loaded_without_a_socket_and_without_a_file(service: Service, load: Load) -> None:
    root = service()
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    found = load(root)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
    assert found["touched"] == []
    assert found["cwd"] == str(root.resolve())
    assert (found["service"], found["output"], found["response"]) == ("housing", "uci", "ResponseOp")
    (node,) = found["nodes"]
    assert (node["name"], node["op"], node["inputs"]) == ("uci", "UciOp", ["@DAGExecutor"])
    assert node["model"] == "uci_housing_model"
    assert node["batch"] == [1, None, None, 1]
    assert found["warnings"] == []


def test_defaults_are_those_of_the_runtime_where_the_config_is_silent(service: Service, load: Load) -> None:
    (node,) = load(service(), threads=3)["nodes"]
    assert node["switches"] == {
        "ir_optim": True,
        "onednn": True,
        "threads": 3,
        "device": "cpu",
        "memory_optim": True,
        "precision": "fp32",
    }
    assert node["attributes"]["ir_optim"] is True
    assert node["attributes"]["thread_num"] == 3


def test_what_the_config_sets_wins_and_an_override_wins_over_the_config(service: Service, load: Load) -> None:
    config = """
op:
  uci:
    timeout: 2000
    batch_size: 4
    auto_batching_timeout: 50
    local_service_conf:
      {model_config: uci_housing_model, ir_optim: false, thread_num: 2, use_mkldnn: true, devices: "1"}
"""
    root = service(config=config)
    (node,) = load(root, threads=8)["nodes"]
    assert node["switches"] | {"device": "gpu:1", "ir_optim": False, "threads": 2, "onednn": True} == node["switches"]
    assert node["batch"] == [4, 50.0, 2000.0, 1]
    overrides = {
        "op.uci.local_service_conf.devices": "null",
        "op.uci.local_service_conf.ir_optim": "True",
        "op.uci.local_service_conf.thread_num": "5",
        "op.uci.batch_size": "1",
        "op.uci.concurrency": "3",
        "op.uci.local_service_conf.workdir": "7",  # a text, whatever it looks like
    }
    (node,) = load(root, overrides, device="gpu:0")["nodes"]
    assert node["switches"] | {"device": "cpu", "ir_optim": True, "threads": 5, "onednn": True} == node["switches"]
    assert node["batch"] == [1, None, 2000.0, 1]
    assert node["attributes"]["concurrency"] == 3


@pytest.mark.parametrize(
    ("devices", "default", "expected"),
    [
        ("0", "cpu", "gpu:0"),
        ("0,1", "gpu:1", "gpu:1"),
        ("1,2", "gpu:0", "gpu:1"),
        ("", "gpu:0", "cpu"),
        ("~", "gpu:3", "gpu:3"),
    ],
)
def test_of_several_devices_a_worker_has_its_own(
    service: Service, devices: str, default: str, expected: str, load: Load
) -> None:
    local = {"model_config": "uci_housing_model", "devices": None if devices == "~" else devices}
    config = json.dumps({"op": {"uci": {"local_service_conf": local}}})
    (node,) = load(service(config=config), device=default)["nodes"]
    assert node["switches"]["device"] == expected


FORK = """
from paddle_serving_server.pipeline import PipelineServer, RequestOp, ResponseOp, Op
read = RequestOp()
a = Op(name="a", input_ops=[read])
b = Op(name="b", input_ops=[a], retry=2)
c = Op(name="c", input_ops=[b])
d = Op(name="d", input_ops=[c, a, read])
server = PipelineServer("forked")
server.set_response_op(ResponseOp(input_ops=[d]))
server.prepare_server(yml_dict={"op": {name: {} for name in "abcd"}})
server.run_server()
"""


def test_any_graph_is_ordered_skip_edges_included(service: Service, load: Load) -> None:
    found = load(service(web_service=FORK, config=None))
    assert [node["name"] for node in found["nodes"]] == ["a", "b", "c", "d"]
    assert found["nodes"][3]["inputs"] == ["c", "a", "@DAGExecutor"]
    assert [node["model"] for node in found["nodes"]] == [None] * 4
    assert found["nodes"][1]["batch"][3] == 2
    assert found["service"] == "forked"


ARGS_PARSER = """
from paddle_serving_server.util import ArgsParser
flags = ArgsParser().parse_args()
service.prepare_pipeline_config(yml_dict=flags.conf_dict)
"""


def test_a_script_that_parses_its_arguments_gets_config_and_overrides(
    service: Service, price_service: str, load: Load
) -> None:
    script = price_service.replace('service.prepare_pipeline_config("config.yml")', ARGS_PARSER)
    (node,) = load(service(web_service=script), {"op.uci.local_service_conf.thread_num": "4"})["nodes"]
    assert node["switches"]["threads"] == 4


OWN_PARSER = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("config", nargs="?", default="config.yml")
"""


def test_a_script_with_arguments_of_its_own_gets_none(service: Service, price_service: str, load: Load) -> None:
    script = OWN_PARSER + price_service.replace('"config.yml"', "parser.parse_args().config")
    assert load(service(web_service=script))["service"] == "housing"


def test_modules_beside_the_script_are_importable_and_prints_stay_off_stdout(
    service: Service, price_service: str, load: Load
) -> None:
    script = "import helper\nprint('loading')\n" + price_service.replace(
        "        self.sep", "        self.seen = helper.SEEN\n        self.sep"
    )
    root = service(web_service=script, **{"helper.py": "SEEN = 'yes'\n"})
    found = load(root)
    assert (found["service"], found["printed"]) == ("housing", "")
    assert not (root / "__pycache__").exists()


def test_keys_without_effect_are_said(service: Service, price_config: str, load: Load) -> None:
    config = price_config.replace('devices: ""', 'devices: ""\n      use_trt: true\n      thread: 3')
    found = load(service(config=f"{config}    fetch_list: [price]\n  other: {{}}\nhtpp_port: 1\n"))
    said = "\n".join(found["warnings"])
    for key in (
        "htpp_port",
        "op.uci.local_service_conf.use_trt",
        "op.uci.local_service_conf.thread",
        "op.other",
        "op.uci.fetch_list",
    ):
        assert f"{key} in config.yml has no effect" in said
    assert len(found["warnings"]) == 5


def test_batching_that_is_asked_for_is_not_passed_over_in_silence(
    service: Service, price_config: str, load: Load
) -> None:
    config = price_config.replace("  uci:\n", "  uci:\n    batch_size: 8\n    timeout: -1\n")
    assert load(service(config=config))["warnings"] == [
        "op.uci.batch_size in config.yml has no effect: the direct engine does not do this yet (8)."
    ]


BROKEN_SCRIPTS = {
    "a wrong import": ("WebService, Op", "WebService, Opp", r"web_service.py:3: ImportError: cannot import name 'Opp'"),
    "a syntax error": ("service.run", "service..run", "web_service.py:26: SyntaxError: invalid syntax"),
    "an exception": ("service.run_service()", "1 / 0", "web_service.py:26: ZeroDivisionError: division by zero."),
    "an exit": ("service.run_service()", "exit('enough')", "web_service.py:26: the script ended itself: enough."),
    "no run_service": ("service.run_service()", "pass", "web_service.py ended without calling run_service()"),
    "an Op that is none": (
        "input_ops=[read_op]",
        "input_ops=['x']",
        "web_service.py:21: Paddle Serving ended the process",
    ),
    "an Op without inputs": ("input_ops=[read_op]", "input_ops=[]", "Op 'uci' has no input_ops"),
    "no Op": (
        'return UciOp(name="uci", input_ops=[read_op])',
        "return None",
        "web_service.py:25: ValueError: The return value",
    ),
    "another config": ('"config.yml"', '"conf.yml"', "web_service.py:25: FileNotFoundError"),
    "the C++ server": (
        "service.run_service()",
        "service.run_rpc_service()",
        "services on the C++ server are not supported",
    ),
}


@pytest.mark.parametrize("defect", BROKEN_SCRIPTS)
def test_a_broken_script_is_named_with_its_line(
    service: Service, price_service: str, defect: str, error_of: Callable[..., str]
) -> None:
    old, new, message = BROKEN_SCRIPTS[defect]
    found = error_of(service(web_service=price_service.replace(old, new)))
    assert found.startswith("ServiceBroken: ")
    assert message in found


BROKEN_CONFIGS = {
    "a number as device": (
        'devices: ""',
        "devices: 0",
        "config.yml:10: op.uci.local_service_conf.devices is 0, must be text",
    ),
    "a device of another kind": (
        'devices: ""',
        'devices: "x"',
        "config.yml:10: op.uci.local_service_conf.devices is 'x'",
    ),
    "TensorRT": (
        'devices: ""',
        "device_type: 2",
        "config.yml:10: op.uci.local_service_conf.device_type is 2: TensorRT",
    ),
    "half precision": ('devices: ""', "precision: fp16", "op.uci.local_service_conf.precision is fp16; only fp32"),
    "the C++ server": (
        "client_type: local_predictor",
        "client_type: brpc",
        "config.yml:8: op.uci.local_service_conf.client_type is brpc",
    ),
    "a missing model": (
        "config: uci_housing_model",
        "config: nothing",
        "config.yml:9: op.uci.local_service_conf.model_config is 'nothing'",
    ),
    "a model outside": ("config: uci_housing_model", "config: ../..", "which is outside of the package"),
    "an unknown output": (
        'devices: ""',
        "fetch_list: [x]",
        "config.yml:10: op.uci.local_service_conf.fetch_list names 'x'; the model has price",
    ),
    "a text as number": ("worker_num: 4", 'worker_num: "4"', "config.yml:3: worker_num is '4', must be a whole number"),
    "a number too small": ("worker_num: 4", "worker_num: 0", "config.yml:3: worker_num is 0, must be at least 1"),
    "a mistake in YAML": ("worker_num: 4", "worker_num: [4", "config.yml:4: "),
    "code in YAML": (
        "worker_num: 4",
        "worker_num: !!python/object/apply:os.getpid []",
        "config.yml:3: could not determine a constructor",
    ),
    "no mapping": ("op:\n  uci:", "op:\n  uci: 5\nx:", "config.yml:6: op.uci is 5, must be a mapping"),
}


@pytest.mark.parametrize("defect", BROKEN_CONFIGS)
def test_a_broken_config_is_named_with_its_line(
    service: Service, price_config: str, defect: str, error_of: Callable[..., str]
) -> None:
    old, new, message = BROKEN_CONFIGS[defect]
    assert old in price_config
    found = error_of(service(config=price_config.replace(old, new)))
    assert found.startswith("ServiceBroken: ")
    assert message in found


def test_an_override_that_cannot_work_is_named(service: Service, error_of: Callable[..., str]) -> None:
    assert "worker_num is 'many', must be a whole number" in error_of(service(), {"worker_num": "many"})
    assert "op.uci.timeout.x cannot be set" in error_of(service(), {"op.uci.timeout": "1", "op.uci.timeout.x": "1"})


def test_a_model_that_is_not_whole_is_invalid_not_broken(service: Service, load: Load) -> None:
    root = service(**{"uci_housing_model/serving_server_conf.prototxt": "feed_var ["})
    found = load(root)
    assert found["error"].startswith("ModelInvalid: ")
    assert "serving_server_conf.prototxt: 1:" in found["error"]


def test_a_plain_model_is_a_graph_of_one_node_without_an_op(service: Service, load: Load) -> None:
    root = service(web_service=None, config=None)
    found = load(root)
    (node,) = found["nodes"]
    assert (found["service"], found["output"], node["op"], node["model"]) == (
        "",
        "model",
        "NoneType",
        "uci_housing_model",
    )


def test_a_package_with_nothing_to_serve_is_refused(tmp_path: Path, load: Load) -> None:
    (tmp_path / "x.txt").write_text("")
    assert "has neither web_service.py nor a model" in load(tmp_path)["error"]
