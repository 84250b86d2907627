"""Switches of a configuration that change nothing on the service."""

from pathlib import Path

import pytest

from tipc import matrix
from tipc.config import parse
from tipc.devices import Report
from tipc.effects import objection

PATH = Path("model.txt")
NO_OP = "op.det in config.yml has no effect: the service has no Op of this name."
NO_KEY = "op.det.local_service_conf.use_mkldnn in config.yml has no effect: Paddle Serving does not know this key."


def said(configuration: str, *warnings: str, device: str = "cpu") -> str:
    """What is said of the first combination on that device."""
    config = parse(PATH, configuration.encode())
    combination = next(found for found in matrix.combinations(config) if found.device == device)
    return objection(config, combination, Report(device if device == "cpu" else "gpu:0", warnings))


def test_a_switch_that_the_worker_does_not_know_is_named_with_its_line(ocr_matrix: str) -> None:
    assert said(ocr_matrix) == ""
    assert said(ocr_matrix, NO_KEY) == (
        "line 13: op.det.local_service_conf.use_mkldnn has no effect on the service, so that nothing is tested with "
        "it: Paddle Serving does not know this key. Correct the key, or write null:null."
    )


def test_nor_has_any_switch_of_an_op_that_is_not_there(ocr_matrix: str) -> None:
    assert said(ocr_matrix, NO_OP).startswith("line 12: op.det.local_service_conf.devices has no effect")
    assert said(ocr_matrix.replace("op.det.", "op.detector."), NO_OP) == ""


def test_what_the_worker_says_of_other_keys_is_no_fault_of_a_switch(ocr_matrix: str) -> None:
    others = (NO_KEY.replace("use_mkldnn", "use_mkldnn_too"), NO_KEY.replace(" has no effect:", " warms up:"), "")
    assert said(ocr_matrix, *others) == ""


def test_use_trt_is_what_the_original_calls_its_device_type(ocr_matrix: str) -> None:
    assert said(ocr_matrix, NO_KEY.replace("use_mkldnn", "use_trt"), device="gpu") == ""


@pytest.mark.parametrize(("key", "right"), [("ops.det.local_service_conf.threads", False), ("--threads", True)])
def test_a_key_of_no_op_is_one_of_the_script(ocr_matrix: str, key: str, right: bool) -> None:  # noqa: FBT001
    words = said(ocr_matrix.replace("op.det.local_service_conf.thread_num", key))
    assert words == "" if right else words.startswith(f"line 14: {key} has no effect on the service")


def test_another_device_is_said_first(ocr_matrix: str) -> None:
    config = parse(PATH, ocr_matrix.encode())
    words = objection(config, next(matrix.combinations(config)), Report("gpu:0", (NO_OP,)))
    assert "asks for the device cpu, but the worker computes on gpu:0" in words
