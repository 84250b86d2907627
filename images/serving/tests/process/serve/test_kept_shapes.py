"""What oneDNN has prepared for a shape is there when the shape comes again, where there is room for it.

oneDNN itself tells when it prepares a convolution (ONEDNN_VERBOSE), be it from its own memory; what Paddle keeps needs
nothing of it.
"""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import requests

from images.serving.tests.process.serve.conftest import Serving, Start
from images.serving.tests.services import IMPORTS, ending

SIDES = range(16, 28)
"""Of pictures: twelve, where Paddle keeps ten shapes by itself."""

GOLDEN = SIDES[:6]
BEFORE, AFTER, BESIDE = 60, 62, 100
TELLING = {"ONEDNN_VERBOSE": "2"}
PREPARED = re.compile(r"onednn_verbose.*,create:.*,convolution,.*_ih(\d+)oh")
PICTURE_OP = f"""

class PictureOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        given = next(iter(input_dicts.values()))
        self.side = side = int(given["side"]) + {BESIDE} * (self.name == "b")
        return {{"x": np.ones((1, 3, side, side), "float32")}}, False, None, ""

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        return {{"side": str(self.side)}}, None, ""
"""
GRAPH = 'PictureOp(name="b", input_ops=[PictureOp(name="a", input_ops=[read_op])])'
LOCAL = "{local_service_conf: {client_type: local_predictor, model_config: model%s}}"

Ask = Callable[[Serving, int], None]


@pytest.fixture
def package(typed_models: Path, tmp_path: Path) -> Path:
    """A plain model with two convolutions of pictures of any size."""
    root = tmp_path / "package"
    shutil.copytree(typed_models / "conv", root / "model")
    (root / "golden").mkdir()
    np.savez(root / "golden/one.npz", x=np.ones((1, 3, SIDES[0], SIDES[0]), np.float32))
    return root


def one(serving: Serving, side: int) -> None:
    picture = {"name": "x", "shape": [1, 3, side, side], "datatype": "FP32", "data": [1.0] * (3 * side * side)}
    answer = requests.post(f"{serving.http}/v2/models/svc/infer", json.dumps({"inputs": [picture]}), timeout=60)
    assert answer.status_code == 200, answer.text


def asking(side: int) -> dict[str, list[str]]:
    return {"key": ["side"], "value": [str(side)]}


def both(serving: Serving, side: int) -> None:
    assert serving.post(asking(side)).json()["value"] == [str(side + BESIDE)]


def prepared_again(serving: Serving, ask: Ask, sides: range) -> int:
    """How many convolutions oneDNN prepares for pictures of sizes that came before.

    The log is behind the answers. A size that is new comes before them and another one after them, so that theirs are
    the lines between.
    """
    for side in (*sides, BEFORE, *sides, AFTER):
        ask(serving, side)
    serving.wait_for(lambda: AFTER in prepared(serving), "the line of the last picture")
    told = prepared(serving)
    begin = max(number for number, side in enumerate(told) if side in {BEFORE, BEFORE + BESIDE})
    return told.index(AFTER) - begin - 1


def prepared(serving: Serving) -> list[int]:
    """The sizes of the pictures of all convolutions that were prepared."""
    found = map(PREPARED.search, serving.log_file.read_text(errors="replace").splitlines())
    return [int(match[1]) for match in found if match]


def test_shapes_that_were_warmed_up_are_not_prepared_again(package: Path, serve: Start) -> None:
    warm = ("--warmup", *(f"x=1x3x{side}x{side}" for side in SIDES))
    serving = serve(package, "--workers", "1", "--batching", "Off", *warm, environment=TELLING).wait_ready()
    assert prepared_again(serving, one, SIDES) == 0


def test_without_a_name_some_are(package: Path, serve: Start) -> None:
    """Else the test before would say nothing."""
    serving = serve(package, "--workers", "1", "--batching", "Off", environment=TELLING).wait_ready()
    assert prepared_again(serving, one, SIDES) > 0


def test_neither_are_they_where_requests_share_runs_of_them(package: Path, serve: Start) -> None:
    """Each shape that a golden sample has is prepared for four numbers of rows beside."""
    for side in GOLDEN:
        np.savez(package / f"golden/{side}.npz", x=np.random.default_rng(side).random((1, 3, side, side), np.float32))
    warm = ("--warmup", *(f"x=1x3x{side}x{side}" for side in SIDES))
    serving = serve(package, "--workers", "1", *warm, environment=TELLING).wait_ready()
    assert serving.get("/report").json()["warmup"]["sharedSizes"] > 4 * len(SIDES[:3])
    assert prepared_again(serving, one, SIDES) == 0


def test_shapes_of_requests_have_room_beside_those_that_the_proof_of_shared_runs_computes(
    package: Path, serve: Start
) -> None:
    for side in GOLDEN[:3]:
        np.savez(package / f"golden/{side}.npz", x=np.random.default_rng(side).random((1, 3, side, side), np.float32))
    serving = serve(package, "--workers", "1", environment=TELLING).wait_ready()
    assert len(serving.get("/report").json()["batching"]["proved"]) == len(GOLDEN[:3])
    assert prepared_again(serving, one, SIDES[:8]) == 0


@pytest.mark.parametrize(
    ("own", "sides"), [("", SIDES[:8]), (", mkldnn_cache_capacity: 14", SIDES)], ids=["ten of each", "what Ops say"]
)
def test_two_models_have_room_for_the_shapes_of_both(package: Path, serve: Start, own: str, sides: range) -> None:
    serving = serve(of_two(package, own), "--workers", "1", environment=TELLING).wait_ready()
    assert prepared_again(serving, both, sides) == 0


def test_an_op_of_the_pipeline_engine_has_the_room_that_it_says(package: Path, serve: Start) -> None:
    flags = ("--workers", "1", "--engine", "pipeline")
    serving = serve(of_two(package, ", mkldnn_cache_capacity: 14"), *flags, environment=TELLING).wait_ready()
    assert prepared_again(serving, both, SIDES) == 0


def of_two(package: Path, own: str) -> Path:
    """The model behind two Ops, each with its own settings."""
    (package / "web_service.py").write_text(IMPORTS + PICTURE_OP + ending(GRAPH, "svc"))
    local = LOCAL % own
    (package / "config.yml").write_text(f"dag: {{is_thread_op: false}}\nop:\n  a: {local}\n  b: {local}\n")
    (package / "golden/one.npz").unlink()
    (package / "golden/one.json").write_text(json.dumps(asking(SIDES[0])))
    return package
