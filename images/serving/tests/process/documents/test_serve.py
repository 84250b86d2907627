"""What documents say to type to start the runtime, and to ask it, does what they say."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.go_program import GRPCURL, found
from images.serving.tests.certificates import write_certificate
from images.serving.tests.process.documents.conftest import Started
from images.serving.tests.process.serve.conftest import PRICE, Serving, request_body, start_serving
from images.serving.tests.services import PRICE_OP, ROW, ending
from tools.documents import command, commands
from tools.typed import typed

KEY = "key-of-the-tests-0"
TWO_OPS = (
    "import numpy as np\nfrom paddle_serving_server.web_service import WebService, Op\n"
    + PRICE_OP
    + ending('PriceOp(name="rec", input_ops=[PriceOp(name="det", input_ops=[read_op])])', "two")
).replace('inputs["x"].split(",")', 'inputs.get("x", "0" + ",0" * 12).split(",")')
TWO_MODELS = """\
dag: {is_thread_op: false}
op:
  det: {local_service_conf: {client_type: local_predictor, model_config: model}}
  rec: {local_service_conf: {client_type: local_predictor, model_config: model}}
"""


def test_a_service_of_paddle_serving_is_tried_where_it_is(make_package: Callable[..., Path], started: Started) -> None:
    block = command("docs/migration.md", "paddle-serving-runtime serve --model-dir . ")
    serving = started(block, make_package(golden={})).wait_ready()
    answer = serving.post(request_body(), "/ocr-rec/prediction").json()
    assert json.loads(answer["value"][0]) == [[pytest.approx(PRICE)]]


def test_shapes_are_warm_before_a_model_is_ready(package: Path, started: Started) -> None:
    block = command("docs/operations.md", "paddle-serving-runtime serve --model-dir PACKAGE --name NAME --warmup x=")
    named = {"PACKAGE": str(package), "NAME": "house", "x=1x3x48x160 x=1x3x48x640": "x=1x13 x=4x13"}
    serving = started(block.replaced(named), package).wait_ready()
    assert serving.get("/report").json()["warmup"]["shapes"] == len(["x=1x13", "x=4x13"])


def test_shapes_are_warm_before_the_models_of_two_ops_are_ready(
    make_package: Callable[..., Path], started: Started
) -> None:
    package = make_package(TWO_OPS)
    (package / "config.yml").write_text(TWO_MODELS)
    block = command("docs/operations.md", "paddle-serving-runtime serve --model-dir PACKAGE --name NAME --warmup det:")
    named = {"PACKAGE": str(package), "NAME": "two", "det:x=1x3x640x640 rec:x=6x3x48x320": "det:x=1x13 rec:x=6x13"}
    serving = started(block.replaced(named), package).wait_ready()
    assert serving.get("/report").json()["warmup"]["shapes"] == len(["det:x=1x13", "rec:x=6x13"])


def test_a_pod_is_asked_how_far_its_answers_are_from_those_that_serve(
    package: Path, housing: Serving, started: Started
) -> None:
    http, admin = (url.rpartition(":")[2] for url in (housing.http, housing.admin))
    where = f"--stable-service 127.0.0.1 --stable-http-port {http} --stable-admin-port {admin}"
    start, ask = (
        command("docs/drift.md", "paddle-serving-runtime serve").replaced(
            {
                "--model-dir ocr-rec": f"--model-dir {package}",
                "--name ocr-rec": "--name uci-housing",
                "--stable-service ocr-rec-stable": where,
            }
        ),
        command("docs/drift.md", "curl -X POST http://POD:8081/drift"),
    )
    serving = started(start, package)
    serving.wait_ready()
    answer = json.loads(typed(ask.replaced({"http://POD:8081": serving.admin, "curl ": "curl -s "}).text))
    assert (answer["samples"], answer["asked"], answer["different"], answer["reason"]) == ("Golden", 1, 0, "")


def test_a_model_inside_kserve_is_asked_by_the_open_inference_protocol(housing: Serving) -> None:
    block = commands("docs/kserve.md", 'curl "$URL/v2/models/uci-housing/infer"').replaced({"curl ": "curl -s "})
    answer = json.loads(typed(block.text, more={"URL": housing.http}))
    assert answer["outputs"][0]["name"] == "price"


def test_a_service_with_tls_and_keys_is_asked_with_both(make_package: Callable[..., Path], tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "one")
    (tmp_path / "ca.crt").write_bytes(certificate.read_bytes())
    (tmp_path / "api-keys").write_text(f"{KEY}\n")
    (tmp_path / "request.json").write_text(json.dumps(request_body(ROW)))
    flags = ("--tls-certificate", str(certificate), "--tls-key", str(key), "--api-key-file", str(tmp_path / "api-keys"))
    serving = start_serving(tmp_path, make_package(), "--name", "ocr", "--workers", "1", *flags)
    try:
        serving.wait_ready()
        grpcurl = found(GRPCURL)
        assert grpcurl is not None, "grpcurl is missing: make grpcurl"
        block = commands("docs/security.md", "curl --cacert ca.crt").replaced(
            {
                "https://ocr.example.com": serving.http.replace("http:", "https:"),
                "ocr.example.com:9000": serving.grpc,
                "curl --": "curl -s --",
                "grpcurl ": f"{grpcurl} ",
            }
        )
        said = typed(block.text, more={"KEY": KEY}, folder=tmp_path)
    finally:
        serving.kill()
    answer, end = json.JSONDecoder().raw_decode(said)
    assert answer["err_no"] == 0
    assert "inference.GRPCInferenceService" in said[end:].splitlines()
