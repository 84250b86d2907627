"""A package that is served on a GPU, on a machine that has none: its commands work, or say what they need."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from images.serving.tests.services import IMPORTS, PRICE_OP, config, one_op

SERVICE = IMPORTS + PRICE_OP + one_op("PriceOp", "uci", "housing")
CONFIG = config("uci", devices='"0"')
Command = Callable[..., Any]


@pytest.fixture
def package(tmp_path: Path, uci_model: Path) -> Path:
    root = tmp_path / "package"
    shutil.copytree(uci_model, root / "model")
    (root / "golden").mkdir()
    (root / "golden" / "house.json").write_text(json.dumps({"key": ["x"], "value": [",".join(["0.5"] * 13)]}))
    (root / "web_service.py").write_text(SERVICE)
    (root / "config.yml").write_text(CONFIG)
    return root


def test_reference_says_which_op_asks_for_which_device_and_how_to_compute_without(
    command: Command, package: Path, tmp_path: Path
) -> None:
    output = tmp_path / "reference.json"
    refused = command("reference", "--model-dir", package, "--output", output)
    assert (refused.status, output.exists()) == (2, False)
    assert refused.message.startswith(
        "InvalidOption: uci: device gpu:0 is asked for, but this Paddle is built for CPU."
    )
    flag, value = "--overrides", "op.uci.local_service_conf.devices="
    assert f"{flag} {value} computes it on the CPU" in refused.message

    done = command("reference", "--model-dir", package, "--output", output, flag, value)
    assert done.status == 0, done.stderr
    assert json.loads(output.read_bytes())["device"] == "cpu"


def test_a_plain_model_on_a_gpu_is_told_the_flag_that_it_has(command: Command, package: Path, tmp_path: Path) -> None:
    (package / "web_service.py").unlink()
    refused = command("reference", "--model-dir", package, "--output", tmp_path / "x.json", "--device", "gpu:0")
    assert refused.status == 2
    assert "--device cpu computes it on the CPU" in refused.message


def test_convert_and_digest_ask_for_no_device(command: Command, package: Path) -> None:
    converted = command("convert", f"--dirname={package / 'model'}", "--fetch_alias_names=price")
    assert converted.status == 0, converted.stderr
    assert (converted.folder / "serving_server" / "serving_server_conf.prototxt").is_file()
    assert command("digest", package).status == 0
