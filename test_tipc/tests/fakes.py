"""A small repository with a service that needs no Paddle: what it answers is written into behaviour.json."""

import json
import sys
import textwrap
from pathlib import Path
from typing import Any

from tipc.local import free_port

CONVERTER = """
import pathlib, sys
options = dict(text.split("=", 1) for text in sys.argv[1:])
if pathlib.Path("convert-fails").exists():
    sys.exit("convert: the program is broken")
for key in ("--serving_server", "--serving_client"):
    pathlib.Path(options[key]).mkdir(parents=True, exist_ok=True)
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
        body = json.dumps(behaviour["answer"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""

CLIENT = """
import json, pathlib, sys, urllib.request
behaviour = json.loads(pathlib.Path("behaviour.json").read_text())
port = pathlib.Path("config.yml").read_text().split()[1]
body = json.dumps({"key": ["image"], "value": [sys.argv[1]]}).encode()
if not behaviour.get("silent"):
    answer = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/m/prediction", body).read())
    print(behaviour.get("printed", answer))
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
pipline:pipeline_http_client.py
--img:cat
"""


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

    def configure(self, onednn: str = "null") -> None:
        """The matrix: alternatives of oneDNN."""
        self.config.write_text(CONFIG.format(python=sys.executable, onednn=onednn))

    def behave(self, **behaviour: Any) -> None:  # noqa: ANN401 - whatever the scripts above read
        """What server and client do."""
        (self.service / "behaviour.json").write_text(json.dumps(behaviour))

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
