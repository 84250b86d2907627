"""What the report of a real `serve` says: the evidence that the service was right, or where it was not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from images.serving.tests.process.serve.conftest import PRICE, request_body
from images.serving.tests.unit.evidence.keys import key_pair
from paddle_serving_runtime.errors import SignatureInvalid
from paddle_serving_runtime.evidence.processor import this_processor
from paddle_serving_runtime.evidence.reading import read_report
from paddle_serving_runtime.evidence.signature import check_signature, load_public_key
from paddle_serving_runtime.package import manifest

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

IMAGE = f"sha256:{'c' * 64}"


@pytest.fixture
def golden() -> dict[str, object]:
    return {
        "hello.json": request_body(),
        "zeros.json": request_body([0.0] * 13),
        "expected/hello.json": {"answer": {"price": [[PRICE]]}},
        "expected/zeros.json": {"answer": {"price": [[22.73]]}},
    }


def test_it_says_what_was_proved_and_what_computed_it(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path], golden: dict[str, object]
) -> None:
    package = make_package(golden=golden)
    environment = {"SERVING_IMAGE_DIGEST": f"registry.example/serving:1@{IMAGE}", "DNNL_MAX_CPU_ISA": "AVX2"}
    serving = serve(package, "--workers", "1", "--overrides", "op.price.concurrency=1", environment=environment)
    report = serving.wait_ready().get("/report").json()

    assert report["modelDigest"] == manifest.write(package)
    assert report["goldenDigest"] == manifest.folder_digest(package, "golden")
    assert (report["reportVersion"], report["runtimeVersion"], report["imageDigest"]) == (1, "0.1.0", IMAGE)
    assert (report["backend"], report["device"], report["cpuFlags"]) == ("Default", "cpu", [*this_processor().flags])
    switches = report["switches"]
    assert (switches["engine"], switches["threads"], switches["irOptim"], switches["oneDNN"]) == (
        "direct",
        1,
        True,
        True,
    )
    assert switches["overrides"] == {"op.price.concurrency": "1"}
    assert switches["environment"]["DNNL_MAX_CPU_ISA"] == "AVX2"
    (model,) = switches["models"].values()
    assert (model["oneDNN"], model["withoutPasses"], model["device"]) == (True, [], "cpu")
    assert (model["backend"], report["choice"]) == ("Default", None)
    assert report["counts"] == {"comparisons": 4, "unequal": 0, "elements": 4, "differing": 0, "omitted": 0}
    assert (report["drift"], report["recheck"]) == (None, None)
    assert (report["batching"]["maxRows"], report["batching"]["rows"], report["batching"]["proved"]) == (16, [1], [])
    assert "a service's Ops" in report["batching"]["notProved"][0]
    far = next(
        each for each in report["comparisons"] if (each["sample"], each["against"]) == ("zeros.json", "recorded")
    )
    assert (far["index"], far["expected"], far["equal"]) == ([0, 0], "22.73", True)
    assert float(far["got"]) == pytest.approx(22.73, rel=1e-3)
    assert report["largestDifference"] == {key: far[key] for key in ("sample", "tensor", "absolute", "relative")}


def test_a_refused_service_leaves_its_report_in_the_log_with_every_difference(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path], golden: dict[str, object]
) -> None:
    wrong = {"expected/hello.json": {"answer": {"price": [[17.5]]}}, "expected/zeros.json": {"answer": {"price": 1}}}
    serving = serve(make_package(golden=golden | wrong), "--workers", "1")
    assert serving.wait_exit() == 3, serving.tail()
    (refused,) = serving.logs("refused")
    report = refused["report"]
    assert (report["verdict"], report["counts"]["unequal"]) == ("None", 2)
    found = {each["sample"]: each for each in report["comparisons"] if not each["equal"]}
    assert [found["hello.json"][key] for key in ("tensor", "against", "index", "expected")] == [
        *("price", "recorded", [0, 0], "17.5")
    ]
    assert float(found["hello.json"]["got"]) == pytest.approx(PRICE)
    assert (found["zeros.json"]["kind"], found["zeros.json"]["expected"]) == ("shape", "[]")
    first, second = report["differences"]
    assert serving.message() == f"NotConsistent: {first}"
    assert second.startswith("Sample zeros.json, tensor price: ")


def test_a_report_is_signed_with_the_key_that_serve_was_given(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path], golden: dict[str, object], tmp_path: Path
) -> None:
    pair = key_pair(tmp_path)
    serving = serve(make_package(golden=golden), "--workers", "1", "--signing-key", str(pair.private)).wait_ready()
    report = read_report(serving.get("/report").content)
    assert check_signature(report, load_public_key(pair.public)) == pair.public.read_text().splitlines()[1]
    with pytest.raises(SignatureInvalid):
        check_signature({**report, "workers": 2}, load_public_key(pair.public))


def test_a_long_report_in_the_log_keeps_what_is_wrong_and_a_signature_that_is_right(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path], tmp_path: Path
) -> None:
    pair = key_pair(tmp_path)
    golden: dict[str, object] = {f"{number:03}.json": request_body([number / 100] * 13) for number in range(300)}
    package = make_package(golden=golden | {"expected/123.json": {"answer": {"price": [[17.5]]}}})
    serving = serve(package, "--workers", "1", "--signing-key", str(pair.private))
    assert serving.wait_exit() == 3, serving.tail()
    (refused,) = serving.logs("refused")
    report = read_report(json.dumps(refused["report"]).encode())
    assert report["counts"]["omitted"] == 301 - len(report["comparisons"]) > 0
    assert [each["sample"] for each in report["comparisons"] if not each["equal"]] == ["123.json"]
    assert check_signature(report, load_public_key(pair.public))


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read: No such file"), ("-----BEGIN", "is not a private key in PEM form")]
)
def test_a_key_that_cannot_be_used_is_an_invalid_option_before_anything_is_loaded(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path], tmp_path: Path, content: str | None, words: str
) -> None:
    key = tmp_path / "ed25519.pem"
    if content is not None:
        key.write_text(content)
    serving = serve(make_package(), "--signing-key", str(key))
    assert serving.wait_exit() == 2
    assert serving.message().startswith(f"InvalidOption: --signing-key {key} {words}")
    assert not serving.logs("worker loaded")


def test_an_image_that_is_no_digest_is_an_invalid_option(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path]
) -> None:
    serving = serve(make_package(), "--image-digest", "paddle-serving-runtime:latest")
    assert serving.wait_exit() == 2
    assert "--image-digest 'paddle-serving-runtime:latest' does not end with the digest" in serving.message()
