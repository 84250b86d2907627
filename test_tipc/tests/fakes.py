"""A small repository with a service that needs no Paddle: what it answers is written into behaviour.json."""

import json
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from paddle_serving_runtime.consistency import Answer
from paddle_serving_runtime.reference import Reference
from tipc import reference
from tipc.ports import free_port

CONVERTER = """
import pathlib, sys
options = dict(text.split("=", 1) for text in sys.argv[1:])
if pathlib.Path("convert-fails").exists():
    sys.exit("convert: the program is broken")
for key in ("--serving_server", "--serving_client"):
    folder = pathlib.Path(options[key])
    folder.mkdir(parents=True, exist_ok=True)
    feed = 'feed_var { name: "x" alias_name: "x" }'
    fetch = 'fetch_var { name: "y" alias_name: "y" }'
    (folder / ("serving_" + key[10:] + "_conf.prototxt")).write_text(feed + chr(10) + fetch)
"""

SERVER = """
import http.server, json, pathlib, sys, time
behaviour = json.loads(pathlib.Path("behaviour.json").read_text())
if behaviour.get("dies"):
    sys.exit("the model cannot be loaded")
pathlib.Path("argv.json").write_text(json.dumps(sys.argv[1:]))
time.sleep(behaviour.get("starts_after", 0))
port = int(pathlib.Path("config.yml").read_text().split()[1])

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if behaviour.get("hangs") and "readiness" not in self.path:
            time.sleep(600)
        body = json.dumps(behaviour["answer"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

if rpc_port := behaviour.get("rpc_port"):
    import grpc
    from concurrent.futures import ThreadPoolExecutor
    from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES, SERVICE_NAME
    answer = MESSAGES["Response"](**behaviour["answer"])
    method = grpc.unary_unary_rpc_method_handler(lambda *_: answer, None, MESSAGES["Response"].SerializeToString)
    calls = grpc.server(ThreadPoolExecutor(2))
    calls.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, {"inference": method}),))
    calls.add_insecure_port(f"127.0.0.1:{rpc_port}")
    calls.start()

http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""

RPC_CLIENT = """
from paddle_serving_server.pipeline import PipelineClient
client = PipelineClient()
client.connect(["127.0.0.1:{port}"])
print(client.predict(feed_dict={{"image": "{image}", "clientip": "127.0.0.1"}}, fetch=["prob"]))
"""

CLIENT = """
import json, pathlib, sys, time, urllib.request
behaviour = json.loads(pathlib.Path("behaviour.json").read_text())
port = pathlib.Path("config.yml").read_text().split()[1]
body = json.dumps({"key": ["image"], "value": [sys.argv[1]]}).encode()
if not behaviour.get("silent"):
    answer = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/m/prediction", body).read())
    print(behaviour.get("printed", answer))
time.sleep(behaviour.get("client_sleeps", 0))
sys.exit(behaviour.get("client_status", 0))
"""

CONFIG = """\
===========================serving_params===========================
model_name:fake
python:{python}
trans_model:-m fake_convert
--dirname:./inference
--model_filename:inference.pdmodel
--params_filename:inference.pdiparams
--serving_server:./deploy/serving/server
--serving_client:./deploy/serving/client
serving_dir:./deploy/serving
web_service:web_service.py
op.m.local_service_conf.devices:null
op.m.local_service_conf.use_mkldnn:{onednn}
null:null
null:null
null:null
pipline:{clients}
--img:cat
"""


def says(monkeypatch: pytest.MonkeyPatch, reply: Answer, unconverted: Answer | None = None, loads: str = "") -> None:
    """Stands in for the process that runs Paddle Inference alone, on the converted model and on the one before."""

    def computed(package: Path, *_: Any) -> Reference:  # noqa: ANN401
        said = reply if unconverted is None or package.name != "original" else unconverted
        # of a single request the runtime answers a second one, too, that it derived from it
        answers = {"derived": said, **{path.name: said for path in (package / "golden").iterdir()}}
        folders = [loads] if loads else [path.name for path in package.iterdir() if path.is_dir()]
        return Reference("3.3.1", "cpu", {}, answers, models={name: name for name in folders})

    monkeypatch.setattr(reference, "computed", computed)


def answer(prob: str = "[0.99903536]", err_no: int = 0) -> dict[str, Any]:
    """A pipeline response of a classifier."""
    keys, values = (["class_id", "prob"], ["[8]", prob]) if err_no == 0 else ([], [])
    return {"err_no": err_no, "err_msg": "" if err_no == 0 else "broken", "key": keys, "value": values, "tensors": []}


class Repository:
    """The files, and where results are."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.service = root / "deploy/serving"
        self.service.mkdir(parents=True)
        (root / "inference").mkdir()
        for name in ("inference.pdmodel", "inference.pdiparams"):
            (root / "inference" / name).touch()
        (root / "fake_convert.py").write_text(textwrap.dedent(CONVERTER))
        (self.service / "web_service.py").write_text(SERVER)
        (self.service / "pipeline_http_client.py").write_text(CLIENT)
        self.port = free_port()
        (self.service / "config.yml").write_text(f"http_port: {self.port}\n")
        self.config = root / "config.txt"
        self.configure()
        self.behave(answer=answer())

    def configure(self, onednn: str = "null", clients: str = "pipeline_http_client.py") -> None:
        """The matrix: alternatives of oneDNN, and the clients."""
        self.config.write_text(CONFIG.format(python=sys.executable, onednn=onednn, clients=clients))

    def write_line(self, number: int, text: str) -> None:
        """Puts another line into the configuration."""
        lines = self.config.read_text().splitlines()
        lines[number - 1] = text
        self.config.write_text("\n".join(lines) + "\n")

    def behave(self, **behaviour: Any) -> None:  # noqa: ANN401 - whatever the scripts above read
        """What server and client do."""
        (self.service / "behaviour.json").write_text(json.dumps(behaviour))

    def listen(self, rpc_port: int) -> None:
        """Gives config.yml a port for gRPC, too."""
        (self.service / "config.yml").write_text(f"http_port: {self.port}\nrpc_port: {rpc_port}\n")

    def add_rpc_client(self, port: int, image: str) -> None:
        """pipeline_rpc_client.py, run before the one over HTTP; it asks port `port`."""
        (self.service / "pipeline_rpc_client.py").write_text(RPC_CLIENT.format(port=port, image=image))
        self.configure(clients="pipeline_rpc_client.py|pipeline_http_client.py")

    @property
    def output(self) -> Path:
        """The folder of logs and reports."""
        return self.root / "test_tipc/output"

    def status_lines(self) -> list[str]:
        """results_serving.log without the colours."""
        text = (self.output / "results_serving.log").read_text()
        return [line.replace("\033[33m ", "").replace("!  \033[0m", "") for line in text.splitlines()]

    def rows(self) -> list[dict[str, Any]]:
        """The JSON report."""
        found: list[dict[str, Any]] = json.loads((self.output / "report_fake.json").read_text())
        return found
