"""What never becomes ready, with the exit status and the sentence that say why."""

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from images.serving.tests.services import X
from paddle_serving_runtime.package import manifest

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

SIMPLE = {"key": ["x"], "value": [X]}

ALTERED_ENGINE = """
import sys

if "paddle_serving_runtime.worker" in getattr(sys, "orig_argv", []):
    from dataclasses import replace

    import paddle_serving_runtime.engine.direct as direct

    infer = direct.DirectEngine.infer

    def alter(result):
        price = result.outcome.values["price"].replace("18.9", "19.9")
        return result._replace(outcome=replace(result.outcome, values={"price": price}))

    def altered(self, calls):
        return [alter(result) for result in infer(self, calls)]

    direct.DirectEngine.infer = altered
"""

ENDED_BY_A_REQUEST = """
import sys

if "paddle_serving_runtime.worker" in getattr(sys, "orig_argv", []):
    import os

    import paddle_serving_runtime.engine.direct as direct

    direct.DirectEngine.infer = lambda self, calls: os._exit(9)
"""


def ended(serving: "Serving", status: int) -> str:
    assert serving.wait_exit() == status, serving.tail()
    assert serving.message() in serving.tail()
    return serving.message()


def test_a_shape_to_warm_up_that_no_model_has_ends_it_before_it_serves(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path]
) -> None:
    message = ended(serve(make_package(), "--workers", "1", "--warmup", "x=1x13", "x=1x99"), 2)
    assert message.startswith("InvalidOption: --warmup x=1x99 (engine.warmup.shapes) does not fit: input x has shape")


def test_recorded_answers_that_differ_stop_it_and_are_named(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path]
) -> None:
    golden = {"hello.json": SIMPLE, "expected/hello.json": {"answer": {"price": [[17.5]]}}}
    message = ended(serve(make_package(golden=golden), "--workers", "1"), 3)
    assert message.startswith("NotConsistent: ")
    for part in ("hello.json", "price", "17.5", "18.90115", "recorded", "Paddle Inference"):
        assert part in message, message


def test_a_serving_path_that_alters_a_value_is_stopped_by_the_reference(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(ALTERED_ENGINE)
    message = ended(serve(make_package(), "--workers", "1", environment={"PYTHONPATH": str(tmp_path)}), 3)
    assert message.startswith("NotConsistent: ")
    for part in ("hello.json", "price", "served", "19.9", "18.9", "Paddle Inference"):
        assert part in message, message


def test_a_broken_service_names_file_line_and_error(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path]
) -> None:
    message = ended(serve(make_package("import json\njson.nothing()\n"), "--workers", "1"), 4)
    assert message.startswith("ServiceBroken: web_service.py:2: AttributeError")
    assert "Traceback" not in message


def test_workers_that_die_while_they_load_are_a_crash_loop(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path], tmp_path: Path
) -> None:
    dying = "import sys\nif 'paddle_serving_runtime.worker' in sys.orig_argv:\n    import os\n    os._exit(9)\n"
    (tmp_path / "sitecustomize.py").write_text(dying)
    message = ended(serve(make_package(), "--workers", "1", environment={"PYTHONPATH": str(tmp_path)}), 5)
    assert message.startswith("WorkerCrashLoop: 5 worker crashes within 60 s.")
    assert "ended with status 9 while it loaded" in message


def test_a_golden_sample_that_ends_the_workers_is_named_long_before_a_request_times_out(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(ENDED_BY_A_REQUEST)
    began = time.monotonic()
    serving = serve(
        make_package(), "--workers", "1", "--request-timeout", "300", environment={"PYTHONPATH": str(tmp_path)}
    )
    message = ended(serving, 5)
    assert "ended with status 9 while it answered golden sample hello.json" in message
    assert time.monotonic() - began < 300


@pytest.mark.parametrize(
    ("golden", "flags", "status", "words"),
    [
        ({}, (), 1, "NotVerifiable: The package has no golden samples."),
        ({"hello.json": SIMPLE}, ("--require", "recorded"), 1, "NotVerifiable: No recorded answer for golden sample"),
        ({"hello.json": SIMPLE}, ("--admin-port", "70000"), 2, "InvalidOption: --admin-port must be between"),
        ({"hello.json": SIMPLE}, ("--rtol", "1e-3"), 2, "InvalidOption: --rtol and --atol belong to"),
        ({"hello.json": SIMPLE}, ("--overrides", "x"), 2, "InvalidOption: --overrides 'x' is not KEY=VALUE"),
        ({"hello.json": SIMPLE}, ("--workers", "0"), 2, "InvalidOption: --workers 0 is neither auto nor a number"),
        ({"hello.json": SIMPLE}, ("--recheck-interval", "nan"), 2, "InvalidOption: --recheck-interval must be finite"),
        (
            {"hello.json": SIMPLE},
            ("--replay-buffer", "1001"),
            2,
            "InvalidOption: --replay-buffer must be between 0 and",
        ),
        ({"hello.json": SIMPLE}, ("--stable-service", "a b"), 2, "InvalidOption: --stable-service 'a b' is not a host"),
    ],
)
def test_what_cannot_be_verified_or_started_is_said_in_a_sentence(
    serve: "Callable[..., Serving]",
    make_package: Callable[..., Path],
    golden: dict[str, object],
    flags: tuple[str, ...],
    status: int,
    words: str,
) -> None:
    assert ended(serve(make_package(golden=golden), *flags), status).startswith(words)


def test_a_file_that_is_not_the_reviewed_one_is_never_loaded(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path]
) -> None:
    package = make_package()
    digest = manifest.write(package)
    (package / "config.yml").write_text("changed: true\n")
    message = ended(serve(package, "--digest", digest), 1)
    assert message.startswith("DigestMismatch: ")
    assert "config.yml" in message


@pytest.mark.parametrize("flag", ["--http-port", "--admin-port"])
def test_a_port_that_is_taken_is_an_invalid_option(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path], flag: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        message = ended(serve(make_package(), "--workers", "1", flag, port), 2)
    assert message.startswith(f"InvalidOption: {flag} {port} cannot be used")


def test_a_plain_model_without_samples_is_served_where_that_is_allowed(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path]
) -> None:
    package = make_package(script="", golden={})
    serving = serve(package, "--workers", "1", "--consistency-required", "false").wait_ready()
    assert serving.get("/report").json()["verdict"] == "None"
    tensor = {"name": "x", "elem_type": 1, "shape": [1, 13], "float_data": [float(text) for text in X.split(",")]}
    as_tensor, as_text = serving.post({"tensors": [tensor]}).json(), serving.post(SIMPLE).json()
    assert as_tensor == as_text
    (answer,) = as_tensor["tensors"]
    assert (answer["name"], answer["elem_type"], answer["shape"]) == ("price", 1, [1, 1])
    assert answer["float_data"][0] == pytest.approx(18.901152)
    wrong = serving.post({"tensors": [tensor | {"shape": [13]}]})
    assert (wrong.status_code, wrong.json()["err_no"]) == (400, 5000)
    assert "input x has shape [13]" in wrong.json()["err_msg"]


@pytest.mark.parametrize(
    ("flags", "environment"),
    [(("--device", "gpu:0"), {}), ((), {"SERVING_DEVICE": "gpu:0,1"})],
    ids=["flag", "environment"],
)
def test_a_device_that_is_not_there_is_refused_instead_of_computing_on_another(
    serve: "Callable[..., Serving]",
    make_package: Callable[..., Path],
    flags: tuple[str, ...],
    environment: dict[str, str],
) -> None:
    serving = serve(make_package(script=""), "--workers", "1", *flags, environment=environment)
    message = ended(serving, 2)
    assert message.startswith("InvalidOption: ")
    assert "device gpu:0 is asked for, but this Paddle is built for CPU" in message


def test_a_device_that_is_none_is_refused_at_once(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path]
) -> None:
    message = ended(serve(make_package(), "--device", "cuda"), 2)
    assert message == "InvalidOption: --device 'cuda' is not a device. Use cpu, gpu:0, or gpu:0,1 for several."
