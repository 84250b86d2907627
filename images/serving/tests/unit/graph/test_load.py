"""What becomes of a script; see test_config_yml.py for its configuration."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Service = Callable[..., Path]

Load = Callable[..., dict[str, Any]]


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


FORK = """
from paddle_serving_server.pipeline import PipelineServer, RequestOp, ResponseOp, Op
read = RequestOp()
a = Op(name="a", input_ops=[read])
b = Op(name="b", input_ops=[a], retry=2, batch_size=3)
c = Op(name="c", input_ops=[b])
d = Op(name="d", input_ops=[c, a, read])
server = PipelineServer("forked")
server.set_response_op(ResponseOp(input_ops=[d]))
retries = {"b": {"retry": 7, "batch_size": 9}, "c": {"retry": 4}}
server.prepare_server(yml_dict={"op": {name: retries.get(name, {}) for name in "abcd"}})
server.run_server()
"""


def test_any_graph_is_ordered_skip_edges_included(service: Service, load: Load) -> None:
    found = load(service(web_service=FORK, config=None))
    assert [node["name"] for node in found["nodes"]] == ["a", "b", "c", "d"]
    assert found["nodes"][3]["inputs"] == ["c", "a", "@DAGExecutor"]
    assert [node["model"] for node in found["nodes"]] == [None] * 4
    assert found["service"] == "forked"


def test_retries_of_the_config_count_and_what_the_script_says_wins(service: Service, load: Load) -> None:
    nodes = load(service(web_service=FORK, config=None))["nodes"]
    assert [node["batch"][3] for node in nodes] == [1, 2, 4, 1]
    assert nodes[1]["batch"][0] == 3


def test_overrides_win_over_a_dict_in_the_script_as_over_the_file(service: Service, load: Load) -> None:
    overrides = {"op.c.retry": "5", "op.d.timeout": "70", "op.d.local_service_conf.ir_optim": "false"}
    nodes = load(service(web_service=FORK, config=None), overrides)["nodes"]
    assert [node["batch"][2:] for node in nodes] == [[None, 1], [None, 2], [None, 5], [70, 1]]
    assert [node["switches"]["ir_optim"] for node in nodes] == [True, True, True, False]


OWN_REQUEST = """
from paddle_serving_server.pipeline import PipelineServer, RequestOp, ResponseOp, Op
class Own(RequestOp):
    def {method}(self, request):
        return {{}}, 0, None, ""
read = Own()
server = PipelineServer("own")
server.set_response_op(ResponseOp(input_ops=[Op(name="a", input_ops=[Op(name="b", input_ops=[read]), read])]))
server.prepare_server(yml_dict={{"op": {{"a": {{}}, "b": {{}}}}}})
server.run_server()
"""


@pytest.mark.parametrize(
    ("method", "kept"),
    [("unpack_request_package", "Own"), ("proto_tensor_2_numpy", "Own"), ("something_else", "NoneType")],
)
def test_a_request_op_that_unpacks_in_its_own_way_is_kept(service: Service, method: str, kept: str, load: Load) -> None:
    assert load(service(web_service=OWN_REQUEST.format(method=method), config=None))["request"] == kept


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


BROKEN_SCRIPTS = {
    "a wrong import": ("WebService, Op", "WebService, Opp", r"web_service.py:3: ImportError: cannot import name 'Opp'"),
    "a syntax error": ("service.run", "service..run", "web_service.py:26: SyntaxError: invalid syntax"),
    "an exception": ("service.run_service()", "1 / 0", "web_service.py:26: ZeroDivisionError: division by zero."),
    "a module of the vision image": (
        "service.run_service()",
        "import sys; sys.modules['cv2'] = None; import cv2",
        "web_service.py:26: ModuleNotFoundError: import of cv2 halted; None in sys.modules (the image paddle-serving-",
    ),
    "a module of its reader": (
        "service.run_service()",
        "import sys; sys.modules['pyclipper'] = None; import paddle_serving_app.reader",
        "(the image paddle-serving-runtime:<version>-vision has it",
    ),
    "a module of nobody's": (
        "service.run_service()",
        "import no_such_module",
        "No module named 'no_such_module' (put the module beside web_service.py, or build an image",
    ),
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
