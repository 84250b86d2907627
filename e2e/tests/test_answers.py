"""A deployed model answers what Paddle Inference answers, bit for bit."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import requests

from e2e.lib import answers, measurements
from e2e.lib.cluster import ROOT
from e2e.lib.reader import reader_of, typed_forward
from e2e.lib.reference import author_script_of, reference_of
from e2e.lib.wait import minutes
from tools.documents import command

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.lib.cluster import Object
    from e2e.lib.given import Given
    from e2e.lib.service import Service

pytestmark = pytest.mark.e2e

OCR = ROOT / "examples" / "ocr-rec"


def stock_client_answers(service: Service) -> dict[str, Object]:
    """What the example's own client prints for the example's own pictures, by the name of the golden sample."""
    with service.forwarded() as url:
        command = [
            sys.executable,
            str(OCR / "pipeline_http_client.py"),
            "--url",
            url,
            "--image_dir",
            str(OCR / "images"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pictures = sorted((OCR / "images").glob("*.png"))
    printed = [ast.literal_eval(line) for line in done.stdout.splitlines()]
    return {f"{picture.stem}.json": answer for picture, answer in zip(pictures, printed, strict=True)}


def test_the_stock_client_gets_the_answers_of_paddle_inference(given: Given) -> None:
    started = time.monotonic()
    service = given.service("ocr-rec").is_healthy()
    measurements.record("ocr-rec_apply_to_ready", time.monotonic() - started)

    served = {sample: answers.of_response(answer) for sample, answer in stock_client_answers(service).items()}

    assert len(served) == 3
    assert served == reference_of(given.namespace, "ocr-rec")
    assert served["hello.json"] == author_script_of(given.namespace, "ocr-rec", "hello.json")


def test_the_status_says_what_was_verified_and_by_what_and_it_answers_as_the_readme_asks(
    given: Given, tmp_path: Path
) -> None:
    service = given.service("ocr-rec").is_healthy()

    verification = service.resource()["status"]["verification"]
    assert verification["verdict"] == "Recorded"
    assert verification["samples"] == 3
    assert verification["paddleVersion"] == "3.3.1"
    assert verification["device"] == "cpu"
    assert verification["revision"] == service.revision
    assert service.then.condition_becomes("Consistent", "True", "GoldenAnswersMatch", within=minutes(1))

    reader = reader_of(given.namespace, tmp_path)
    with typed_forward(reader, command("README.md", "kubectl port-forward"), {"8080:80 &": ":80"}) as address:
        ask = command("README.md", "curl -d").replaced({"http://127.0.0.1:8080": address, "curl ": "curl -s "})
        assert json.loads(reader.types(ask, folder=ROOT))["value"][0] == '["Hello Paddle"]'


def test_a_plain_model_takes_and_gives_tensors(given: Given) -> None:
    service = given.service("uci-housing").is_healthy()
    reference = reference_of(given.namespace, "uci-housing")
    assert set(reference) == {"house.json", "text.json", "two-houses.json"}

    with service.forwarded() as url:
        for sample, expected in reference.items():
            response = requests.post(url, data=service.sample(sample), timeout=60).json()
            assert response["err_no"] == 0, response
            assert response["key"] == []
            assert answers.of_response(response) == expected, sample


def test_a_detector_in_paddle_3s_form_is_served_without_onednn_and_says_so(given: Given) -> None:
    service = given.service("ocr-det").is_healthy()
    verification = service.resource()["status"]["verification"]
    assert (verification["verdict"], verification["samples"]) == ("Recorded", 2)
    pod = service.pods()[0]["metadata"]["name"]
    assert "inference.json runs without oneDNN" in given.namespace.kubectl("logs", pod, "-c", "serve")

    with np.load(ROOT / "examples/ocr-det/golden/hello.npz") as arrays:
        x = arrays["x"]
    tensor = {"name": "x", "elem_type": 1, "shape": list(x.shape), "float_data": x.ravel().tolist()}
    with service.forwarded() as url:
        response = requests.post(url, json={"tensors": [tensor]}, timeout=60).json()
    assert answers.of_response(response) == reference_of(given.namespace, "ocr-det")["hello.npz"]
