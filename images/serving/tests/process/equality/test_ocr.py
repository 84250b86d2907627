"""The OCR example, text in and text out: both engines say what its Ops say around Paddle Inference alone."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from images.serving.tests.process.equality.test_every_way import call_pipeline, over_grpc, over_http, texts
from images.serving.tests.process.serve.conftest import Serving, start_serving
from paddle_serving_runtime.protocol import read_response
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES
from paddle_serving_runtime.reference.report import read

pytestmark = pytest.mark.timeout(400)
EXAMPLES = Path(__file__).parents[5] / "examples"
EXAMPLE = EXAMPLES / "ocr-rec"
SAMPLES = ("hello", "number", "chinese")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembled example without its golden answers: here nothing is verified but what the test compares."""
    target = tmp_path_factory.mktemp("ocr") / "package"
    subprocess.run([sys.executable, str(EXAMPLES / "build.py"), "ocr-rec", str(target)], check=True, timeout=300)
    return target


@pytest.fixture(scope="module")
def reference(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, np.ndarray]]:
    """Answers by sample, of Paddle Inference alone between the service's own preprocess and postprocess."""
    output = tmp_path_factory.mktemp("reference") / "reference.json"
    command = [sys.executable, "-m", "paddle_serving_runtime.cli.main", "reference"]
    environment = {**os.environ, "TERMINATION_LOG": os.devnull}
    subprocess.run(
        [*command, "--model-dir", str(package), "--output", str(output)], check=True, env=environment, timeout=300
    )
    return {Path(name).stem: answer for name, answer in read(output).answers.items()}


@pytest.fixture(scope="module", params=["direct", "pipeline"])
def ocr(request: pytest.FixtureRequest, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    flags = ("--workers", "1", "--engine", request.param, "--consistency-required", "false")
    serving = start_serving(tmp_path_factory.mktemp("serve"), package, *flags)
    try:
        yield serving.wait_ready()
    finally:
        serving.kill()


def pipeline_json(serving: Serving, image: str) -> Mapping[str, str]:
    return read_response(serving.post({"key": ["image"], "value": [image]}).content).values


def pipeline_grpc(serving: Serving, image: str) -> Mapping[str, str]:
    answer = call_pipeline(serving, MESSAGES["Request"](key=["image"], value=[image]))
    return dict(zip(answer.key, answer.value, strict=True))


def open_inference_json(serving: Serving, image: str) -> Mapping[str, str]:
    return texts(over_http(serving, "ocr-rec", {"image": np.array([image], dtype=object)}, binary=False))


def open_inference_binary(serving: Serving, image: str) -> Mapping[str, str]:
    return texts(over_http(serving, "ocr-rec", {"image": np.array([image.encode()], dtype=object)}, binary=True))


def open_inference_grpc(serving: Serving, image: str) -> Mapping[str, str]:
    return texts(over_grpc(serving, "ocr-rec", {"image": np.array([image.encode()], dtype=object)}))


@pytest.fixture
def sharing(package: Path, tmp_path: Path) -> Iterator[Serving]:
    """The example with its golden samples, whose requests share runs of two rows: more are not proved in time."""
    golden = tmp_path / "package"
    shutil.copytree(package, golden)
    flags = ("--workers", "1", "--batching", "2,0.05", "--consistency-required", "false")
    serving = start_serving(tmp_path, golden, *flags)
    try:
        yield serving.wait_ready()
    finally:
        serving.kill()


PROTOCOLS = (pipeline_json, pipeline_grpc, open_inference_json, open_inference_binary, open_inference_grpc)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.__name__)
def test_a_line_of_text_is_read_as_by_paddle_inference(
    ocr: Serving,
    reference: Mapping[str, Mapping[str, np.ndarray]],
    protocol: Callable[[Serving, str], Mapping[str, str]],
) -> None:
    for sample in SAMPLES:
        request = json.loads((EXAMPLE / "golden" / f"{sample}.json").read_text())
        (image,) = request["value"]
        answer = protocol(ocr, image)
        assert answer.keys() == reference[sample].keys()
        for name, value in answer.items():
            assert ast.literal_eval(value) == reference[sample][name].tolist()


def test_pictures_of_any_width_that_come_at_once_are_read_as_by_paddle_inference(
    sharing: Serving, reference: Mapping[str, Mapping[str, np.ndarray]]
) -> None:
    proved = sharing.get("/report").json()["batching"]["proved"]
    assert sorted((entry["model"], entry["inputs"]["x"]) for entry in proved) == [
        ("rec", [3, 48, width]) for width in (240, 241, 250)
    ]
    images = {s: json.loads((EXAMPLE / "golden" / f"{s}.json").read_text())["value"][0] for s in SAMPLES}
    asked = [sample for sample in SAMPLES for _ in range(4)] * 4 + list(SAMPLES) * 8
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda sample: pipeline_json(sharing, images[sample]), asked))
    for sample, answer in zip(asked, answers, strict=True):
        assert {name: ast.literal_eval(value) for name, value in answer.items()} == {
            name: value.tolist() for name, value in reference[sample].items()
        }
    sharing.wait_for(lambda: sharing.metrics()["paddle_serving_batch_size_count"] >= len(asked), "metrics")
    metrics = sharing.metrics()
    assert metrics["paddle_serving_batch_size_sum"] > metrics["paddle_serving_batch_size_count"] * 1.1
    assert metrics['paddle_serving_batch_audits_total{worker="0"}'] > 0
    assert metrics['paddle_serving_batch_audit_differences_total{worker="0"}'] == 0
