"""The vision image beside the serving image: a service that reads pictures by Paddle Serving's own readers."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from e2e.lib.container import container, example_package, require_images
from e2e.lib.pods import RUNTIME, image
from e2e.lib.standalone import open_folder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

VISION = image("paddle-serving-runtime-vision")
SERVE = ("serve", "--model-dir", "/models", "--name", "picture", "--workers", "1")
SERVICE = """
import numpy as np
import pyclipper
import sentencepiece
from paddle_serving_app.reader import Base64ToImage, Resize, Sequential
from paddle_serving_server.web_service import Op, WebService
from shapely.geometry import Polygon


class PictureOp(Op):
    def init_op(self):
        self.read = Sequential([Base64ToImage(), Resize((4, 3))])

    def preprocess(self, input_dicts, data_id, log_id):
        ((_, request),) = input_dicts.items()
        picture = self.read(request["image"])
        self.area = Polygon([(0, 0), (4, 0), (4, 3)]).area + pyclipper.Area([[0, 0], [4, 0], [4, 3]])
        return {"x": picture.reshape(1, -1)[:, :13].astype("float32")}, False, None, ""

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        (values,) = fetch_dict.values()
        return {"value": str(values.tolist()), "area": str(self.area)}, None, ""


class PictureService(WebService):
    def get_pipeline_response(self, read_op):
        return PictureOp(name="picture", input_ops=[read_op])


service = PictureService(name="picture")
service.prepare_pipeline_config("config.yml")
service.run_service()
"""
CONFIG = """
rpc_port: 9998
http_port: 18082
op: {picture: {local_service_conf: {client_type: local_predictor, model_config: uci_housing_model}}}
"""


def picture(level: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), (level, 20, 30)).save(buffer, "PNG")
    return json.dumps({"key": ["image"], "value": [base64.b64encode(buffer.getvalue()).decode()]}).encode()


@pytest.fixture
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of the housing example, which has 13 inputs, behind a service that makes them of a picture."""
    require_images(RUNTIME, VISION)
    folder = example_package("uci-housing", open_folder(tmp_path_factory, "vision"))
    for sample in (folder / "golden").rglob("*"):
        if sample.is_file():
            sample.unlink()
    (folder / "MANIFEST.sha256").unlink(missing_ok=True)
    (folder / "web_service.py").write_text(SERVICE, encoding="utf-8")
    (folder / "config.yml").write_text(CONFIG, encoding="utf-8")
    for level in (10, 200):
        (folder / "golden" / f"{level}.json").write_bytes(picture(level))
    return folder


def test_a_service_that_imports_what_published_services_do_is_verified_and_answers(package: Path) -> None:
    with container(*SERVE, package=package, runtime=VISION) as served:
        served.is_ready()
        answer = served.post("picture/prediction", picture(10)).json()
    assert answer["err_no"] == 0
    assert dict(zip(answer["key"], answer["value"], strict=True))["area"] == "12.0"


def test_in_the_serving_image_it_ends_with_the_name_of_the_vision_image(package: Path) -> None:
    with container(*SERVE, package=package) as served:
        ended = served.has_ended()
    assert ended.code == 4, ended.output
    said = ended.output.splitlines()[-1]
    assert "web_service.py:3: ModuleNotFoundError: No module named 'pyclipper'" in said
    assert "paddle-serving-runtime:<version>-vision has it" in said
