"""`verify` with real reports of a real `serve`: what is confirmed, what differs, and what cannot be said here."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from images.serving.tests.process.serve.conftest import PRICE, request_body, start_serving
from images.serving.tests.unit.evidence.keys import Pair, key_pair
from paddle_serving_runtime.cli.main import main
from paddle_serving_runtime.evidence.processor import RELEVANT_FLAGS
from paddle_serving_runtime.evidence.signature import load_private_key, signed

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

IMAGE, OTHER_IMAGE = (f"sha256:{digit * 64}" for digit in "12")
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return key_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def package(make_package: Callable[..., Path]) -> Path:
    return make_package(
        golden={
            "hello.json": request_body(),
            "zeros.json": request_body([0.0] * 13),
            "expected/hello.json": {"answer": {"price": [[PRICE]]}},
            "expected/zeros.json": {"answer": {"price": [[22.73]]}},
        }
    )


@pytest.fixture(scope="module")
def report(package: Path, pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    flags = ("--workers", "2", "--signing-key", str(pair.private), "--image-digest", IMAGE)
    serving: Serving = start_serving(tmp_path_factory.mktemp("serve"), package, *flags)
    try:
        found: dict[str, Any] = serving.wait_ready().get("/report").json()
    finally:
        serving.kill()
    return found


@pytest.fixture
def verify(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs `verify` on a report: exit status, what it printed, and its termination message."""
    monkeypatch.setenv("TERMINATION_LOG", str(tmp_path / "message"))

    def run(report: object, *flags: object, model_dir: Path = package) -> tuple[int, str, str]:
        path = tmp_path / "report.json"
        path.write_text(report if isinstance(report, str) else json.dumps(report))
        status = main(["verify", str(path), "--model-dir", str(model_dir), *map(str, flags)])
        message = tmp_path / "message"
        return status, capsys.readouterr().out, message.read_text() if message.exists() else ""

    return run


Verify = Callable[..., tuple[int, str, str]]


def unsigned(report: dict[str, Any], **others: object) -> dict[str, Any]:
    return {**{name: value for name, value in report.items() if name != "signature"}, **others}


def test_a_report_in_a_config_map_on_stdin_is_confirmed_with_its_key(
    report: dict[str, Any],
    package: Path,
    pair: Pair,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config_map = {"kind": "ConfigMap", "apiVersion": "v1", "data": {"report.json": json.dumps(report)}}
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(config_map).encode())))
    flags = ["--model-dir", str(package), "--public-key", str(pair.public), "--image-digest", f"a/b@{IMAGE}"]
    assert main(["verify", "-", *flags]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"signed with {pair.public.read_text().splitlines()[1]}",
        "Confirmed, verdict Recorded, 2 samples, 4 comparisons: the same answers, bit for bit.",
    ]


def test_what_check_found_from_outside_is_confirmed_without_the_sample_that_only_serve_asks(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path], tmp_path: Path, verify: Verify
) -> None:
    package = make_package()  # with one golden sample, of which `serve` derives a second
    serving = serve(package, "--workers", "1").wait_ready()
    assert {entry["sample"] for entry in serving.get("/report").json()["comparisons"]} > {"hello.json"}
    path = tmp_path / "check.json"
    flags = ["--url", serving.http, "--model-dir", str(package), "--name", serving.name, "--report", str(path)]
    assert main(["check", *flags]) == 0
    serving.kill()
    status, out, _ = verify(path.read_text(), model_dir=package)
    assert status == 0
    assert out.splitlines()[-1].startswith("Confirmed, verdict EngineOnly, 1 sample, 1 comparison: ")
    status, out, _ = verify(path.read_text().replace('"consistent": true', '"consistent": false'), model_dir=package)
    assert status == 3
    assert "differs: answers: the report itself says that they are not consistent." in out


def test_what_differs_is_said_part_by_part_and_with_the_element(report: dict[str, Any], verify: Verify) -> None:
    comparisons = [dict(entry) for entry in report["comparisons"]]
    changed = next(each for each in comparisons if (each["sample"], each["against"]) == ("zeros.json", "recorded"))
    got, changed["got"] = changed["got"], "22.73"
    switches = {**report["switches"], "environment": {"DNNL_MAX_CPU_ISA": "AVX2"}}
    altered = unsigned(
        report,
        comparisons=comparisons,
        switches=switches,
        paddleVersion="3.2.0",
        runtimeVersion="0.2.0",
        imageDigest=OTHER_IMAGE,
    )
    status, out, _ = verify(altered, "--image-digest", IMAGE)
    element = (
        "sample zeros.json, tensor price, element [0, 0], against recorded: the report expected 22.73, got 22.73, "
        f"here expected 22.73, got {got}."
    )
    assert status == 3
    assert out.splitlines() == [
        "not signed: whoever could write it could have made it up",
        f"differs: image: {OTHER_IMAGE} in the report, {IMAGE} here.",
        "differs: runtime version: 0.2.0 in the report, 0.1.0 here.",
        "differs: Paddle version: 3.2.0 in the report, 3.3.1 here.",
        "differs: switches: environment.DNNL_MAX_CPU_ISA: AVX2 in the report, nothing here.",
        f"differs: answers: {element}",
        "NOT confirmed: 5 differences.",
    ]


def test_what_another_processor_a_gpu_and_an_unknown_image_leave_open_is_said_and_not_called_equal(
    report: dict[str, Any], verify: Verify
) -> None:
    elsewhere = min(RELEVANT_FLAGS - set(report["cpuFlags"]))
    flags = [*report["cpuFlags"], elsewhere]
    models = {name: {**switches, "device": "gpu:0"} for name, switches in report["switches"]["models"].items()}
    on_gpu = unsigned(
        report, cpuFlags=flags, device="gpu:0", switches={**report["switches"], "models": models}, imageDigest=IMAGE
    )
    status, out, _ = verify(on_gpu)
    lines = out.splitlines()
    assert status == 8
    assert (
        f"not compared: image: the report is of {IMAGE}; which one this is, nobody has said: --image-digest." in lines
    )
    assert "not compared: device: gpu:0 in the report, cpu here." in lines
    assert any(line.startswith("not compared: processor: ") and f"Only there: {elsewhere}." in line for line in lines)
    assert "bit for bit" not in out
    assert lines[-1].startswith("Confirmed in part, verdict Recorded, 2 samples, 4 comparisons: not everything can be")


def test_another_package_is_named_by_its_file_and_nothing_of_it_is_executed(
    report: dict[str, Any], package: Path, tmp_path: Path, verify: Verify
) -> None:
    other = shutil.copytree(package, tmp_path / "other")
    (other / "web_service.py").write_text("raise SystemExit('executed')\n")
    status, out, _ = verify(report, model_dir=other)
    assert (status, "executed" in out) == (3, False)
    assert f"differs: model: {report['modelDigest']} in the report, sha256:" in out
    assert "golden set" not in out

    (other / "golden/hello.json").write_text(json.dumps(request_body([1.0] * 13)))
    status, out, _ = verify(report, model_dir=other)
    assert status == 3
    assert f"differs: golden set: {report['goldenDigest']} in the report, sha256:" in out
    assert verify(report, model_dir=tmp_path / "nothing")[0] == 1


def test_a_report_that_was_altered_forged_or_not_signed_is_a_bad_signature(
    report: dict[str, Any], pair: Pair, tmp_path: Path, verify: Verify
) -> None:
    key = ("--public-key", pair.public)
    forged = signed(unsigned(report), load_private_key(key_pair(tmp_path, "forger").private))
    for altered, flags, words in (
        ({**report, "workers": 3}, key, "is not what was signed"),
        ({**report, "workers": 3}, (), "is not what was signed"),
        (forged, key, "is signed with the key"),
        (unsigned(report), key, "is not signed, and --public-key asks for a signature"),
    ):
        status, out, message = verify(altered, *flags)
        assert (status, "onfirmed" in out) == (6, False)
        assert message.startswith("SignatureInvalid: ")
        assert words in message


def test_what_cannot_be_read_is_never_confirmed(report: dict[str, Any], tmp_path: Path, verify: Verify) -> None:
    text = json.dumps(report)
    for content, words in (
        (text[:-1], "cut off"),
        (text.replace('"samples": 2', '"samples": NaN'), "NaN is not a number"),
        (text.replace('"samples": 2', '"samples": 2, "samples": 2'), "there twice"),
        (json.dumps({**report, "reportVersion": 2}), "is of version 2"),
    ):
        status, out, message = verify(content)
        assert (status, out) == (7, "")
        assert message.startswith("ReportUnreadable: ")
        assert words in message
    assert main(["verify", str(tmp_path / "nothing"), "--model-dir", "."]) == 7
    assert verify(report, "--public-key", tmp_path / "nothing")[0] == 2


def test_a_report_that_proves_nothing_is_not_confirmed(report: dict[str, Any], verify: Verify) -> None:
    refused = unsigned(report, verdict="None", differences=["Sample hello.json differs."])
    status, out, _ = verify(refused)
    assert status == 3
    assert (
        "differs: answers: the report itself does not say that the service is right: Sample hello.json differs." in out
    )
