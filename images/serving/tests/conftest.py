"""Tiny models and services that every part of the runtime is tested with."""

import json
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path

import pytest

from images.serving.tests.services import IMPORTS, POSTPROCESS, X, one_op


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escapes lone surrogates in captured logs: the report of a parallel run travels as UTF-8, which has none."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


EXPORT = Path(__file__).parent / "export_models.py"

PRICE_SERVICE = (
    IMPORTS
    + """

class UciOp(Op):
    def init_op(self):
        self.separator = ","

    def preprocess(self, input_dicts, data_id, log_id):
        (_, input_dict), = input_dicts.items()
        values = [float(value) for value in input_dict["x"].split(self.separator)]
        return {"x": np.array(values).reshape(1, 13)}, False, None, ""
"""
    + POSTPROCESS
    + one_op("UciOp", "uci", "housing")
)

PRICE_CONFIG = """\
rpc_port: 9998
http_port: 18082
worker_num: 4
dag: {is_thread_op: false}
op:
  uci:
    local_service_conf:
      client_type: local_predictor
      model_config: uci_housing_model
      devices: ""
"""

PRICE_REQUEST = f'{{"key": ["x"], "value": ["{X}"]}}'.encode()


PRELOADED = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
import paddle.inference
from paddle_serving_runtime import serving_packages
serving_packages.install()
import paddle_serving_server.web_service
from paddle_serving_runtime.cli.main import main

for line in sys.stdin:
    words, folder = json.loads(line)
    if (child := os.fork()) == 0:
        for descriptor, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
        os.chdir(folder)
        os.environ["TERMINATION_LOG"] = f"{folder}/termination-log"
        status = main(words)
        sys.stdout.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Outcome:
    """How a command ended; `message` is its termination message, `folder` was its working directory."""

    status: int
    message: str
    stdout: str
    stderr: str
    folder: Path


@pytest.fixture(scope="session")
def preloaded() -> Iterator[subprocess.Popen[str]]:
    """An interpreter that has imported paddle, which takes seconds, and forks for every command."""
    with subprocess.Popen(
        [sys.executable, "-c", PRELOADED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def command(preloaded: subprocess.Popen[str], tmp_path: Path) -> Callable[..., Outcome]:
    """Runs a command of the runtime in a process of its own, in a folder of its own."""
    folder = tmp_path / "command"

    def run(*words: object) -> Outcome:
        folder.mkdir(exist_ok=True)
        (folder / "termination-log").unlink(missing_ok=True)
        assert preloaded.stdin is not None
        assert preloaded.stdout is not None
        preloaded.stdin.write(json.dumps([list(map(str, words)), str(folder)]) + "\n")
        preloaded.stdin.flush()
        status = int(preloaded.stdout.readline())
        log = folder / "termination-log"
        message = log.read_text() if log.exists() else ""
        return Outcome(status, message, (folder / "stdout").read_text(), (folder / "stderr").read_text(), folder)

    return run


@pytest.fixture(scope="session")
def uci_model() -> Path:
    """The model that the paddle-serving-server wheel brings: x float32 [N, 13] -> price float32 [N, 1]."""
    wanted = "paddle_serving_server/env_check/simple_web_service/uci_housing_model/__model__"
    (found,) = (path for path in files("paddle-serving-server") or () if str(path) == wanted)
    return Path(str(found.locate())).parent


def exported(folder: Path, script: str, timeout: float = 120) -> Path:
    """The folder, with the models that a script beside this file writes into it."""
    command = [sys.executable, "-W", "ignore", str(EXPORT.with_name(script)), str(folder)]
    subprocess.run(command, check=True, timeout=timeout)
    return folder


@pytest.fixture(scope="session")
def exported_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models exported by this Paddle; see export_models.py for what they are."""
    return exported(tmp_path_factory.mktemp("models"), EXPORT.name)


@pytest.fixture(scope="session")
def typed_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with inputs of every type; see export_typed_models.py for what they are."""
    return exported(tmp_path_factory.mktemp("typed"), "export_typed_models.py")


@pytest.fixture(scope="session")
def special_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models that need care; see export_special_models.py for what they are."""
    return exported(tmp_path_factory.mktemp("special"), "export_special_models.py")


@pytest.fixture(scope="session")
def backend_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models that the backends compute alike, otherwise or not at all; see export_backend_models.py."""
    return exported(tmp_path_factory.mktemp("backends"), "export_backend_models.py", timeout=600)


@pytest.fixture
def service(tmp_path: Path, uci_model: Path) -> Callable[..., Path]:
    """Makes a package: web_service.py, config.yml, uci_housing_model/, and any other file by its path."""

    def make(web_service: str | None = PRICE_SERVICE, config: str | None = PRICE_CONFIG, **others: str | bytes) -> Path:
        root = tmp_path / "package"
        texts: dict[str, str | bytes | None] = {"web_service.py": web_service, "config.yml": config, **others}
        copied = {f"uci_housing_model/{path.name}": path.read_bytes() for path in uci_model.iterdir() if path.is_file()}
        for name, content in {**copied, **texts}.items():
            if content is None:
                continue
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return make


@pytest.fixture
def price_service() -> str:
    """The web_service.py of the default package of `service`: one Op, `uci`, of the service `housing`."""
    return PRICE_SERVICE


@pytest.fixture
def price_config() -> str:
    """The config.yml of the default package of `service`."""
    return PRICE_CONFIG


@pytest.fixture
def price_request() -> bytes:
    """The body of a request to it; the answer is {"price": "[[18.901152...]]"}."""
    return PRICE_REQUEST
