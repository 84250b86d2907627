"""Inputs and outputs of every type, with models of both formats."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.graph import REQUEST, Node
from paddle_serving_runtime.paddle_model.files import find_model_files
from paddle_serving_runtime.paddle_model.predictor import Predictor
from paddle_serving_runtime.paddle_model.program import read_program
from paddle_serving_runtime.paddle_model.prototxt import render
from paddle_serving_runtime.paddle_model.switches import Switches
from paddle_serving_runtime.reference.inference import Inference

TYPES = ["int64", "int32", "int16", "int8", "uint8", "bool", "float64", "float32", "float16", "bfloat16", "complex64"]
VALUES: dict[str, Any] = {
    "bool": [[True, False], [False, False]],
    "uint8": [[0, 255], [7, 128]],
    "int8": [[-128, 127], [0, -1]],
    "int16": [[-32768, 32767], [0, -1]],
    "int32": [[-(2**31), 2**31 - 1], [0, -1]],
    "int64": [[-(2**63), 2**63 - 1], [0, -1]],
    "float16": [[65504, -0.0], [2**-24, np.inf]],
    "bfloat16": [[0x3F80, 0x8000], [0xFF80, 0x0001]],  # the bits of 1, -0, -infinity and the least number
    "complex64": [[1 + 2j, -0.5j], [3, 0]],
}


# Where the processor has no AVX-512, oneDNN copies bfloat16 without the sign of a zero, and the least numbers as 0.
WITH_ONEDNN: dict[str, Any] = {**VALUES, "bfloat16": [[0x3F80, 0xC120], [0xFF80, 0x0080]]}


def x_of(name: str, values: dict[str, Any] = VALUES) -> np.ndarray[Any, Any]:
    return np.array(values.get(name, [[0.1, -0.0], [1e-300, np.nan]]), "uint16" if name == "bfloat16" else name)


@pytest.mark.parametrize("onednn", [False, True])
@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("form", ["program", "pir"])
def test_every_type_goes_in_and_comes_out_bit_for_bit(
    typed_models: Path,
    form: str,
    name: str,
    onednn: bool,  # noqa: FBT001 - a column of the table
) -> None:
    predictor = Predictor(typed_models / form / name, Switches(onednn=onednn))
    x, w = x_of(name, WITH_ONEDNN if onednn else VALUES), np.array([[1, 2], [3, 4]], np.float32)
    twice, scores = predictor.run({"x": x, "w": w}).values()
    wanted = x if name == "uint8" else np.concatenate([x, x], axis=1)
    assert (twice.dtype, twice.tobytes()) == (wanted.dtype, wanted.tobytes())
    assert (str(scores.dtype), scores.shape) == ("float32", (2, 3))
    names = [variable.name for variable in predictor.conf.feeds]
    assert predictor.shapes | dict.fromkeys(names, (-1, 2)) == predictor.shapes


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("form", ["program", "pir"])
def test_the_reference_knows_every_type_too(typed_models: Path, form: str, name: str) -> None:
    folder = typed_models / form / name
    feed = {"x": x_of(name), "w": np.array([[1, 2], [3, 4]], np.float32)}
    served = Predictor(folder, Switches()).run(feed)
    alone = Inference(Node("model", None, (REQUEST,), folder, Switches(), (), 1, None, None, 1), folder)(feed)
    assert served.keys() == alone.keys()
    for output, value in alone.items():
        assert (served[output].dtype, served[output].tobytes()) == (value.dtype, value.tobytes())


def test_a_lod_goes_in_and_comes_out_and_is_gone_with_the_next_request(typed_models: Path) -> None:
    predictor = Predictor(typed_models / "lod", Switches())
    x = np.arange(10, dtype=np.float32).reshape(5, 2)
    answer = predictor.run({"x": x, "x.lod": np.array([0, 2, 5])})
    total, _, lod = answer.values()
    np.testing.assert_array_equal(total, [[2, 4], [18, 21]])
    assert (lod.tolist(), str(lod.dtype), list(answer)[2]) == ([0, 2, 5], "int32", f"{list(answer)[1]}.lod")
    with pytest.raises(ValueError, match="does not contain LoD"):
        predictor.run({"x": x})


def test_a_type_without_handles_has_no_lod(typed_models: Path) -> None:
    predictor = Predictor(typed_models / "program/int16", Switches())
    feed = {"x": x_of("int16"), "w": np.ones((2, 2), np.float32)}
    with pytest.raises(ValueError, match=r"x\.lod: a model has no LoD where"):
        predictor.run({**feed, "x.lod": np.array([0, 2])})


def test_text_goes_in_on_both_sides(typed_models: Path) -> None:
    node = Node("model", None, (REQUEST,), typed_models / "text", Switches(), (), 1, None, None, 1)
    assert Inference(node, typed_models / "text")({"text": ["world"]})["numbers"].tolist() == [[2, 6, 3]]
    predictor = Predictor(typed_models / "text", Switches())
    assert predictor.conf.feeds[0].dtype.kind == "U"
    answer = predictor.run({"text": np.array(["hello world", "Hello \u00e9"])})
    assert answer["numbers"].tolist() == [[2, 5, 6, 3], [2, 5, 1, 3]]
    assert predictor.run({"text": np.array(["world"])})["numbers"].tolist() == [[2, 6, 3]]


def test_text_is_feed_type_20_of_a_prototxt_and_nothing_else(typed_models: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(typed_models / "text", tmp_path / "model"))
    prototxt = folder / "serving_server_conf.prototxt"
    lines = (
        'feed_var {{ name: "text" alias_name: "text" feed_type: {} }}\nfetch_var {{ name: "numbers" fetch_type: 0 }}\n'
    )
    prototxt.write_text(lines.format(20))
    assert Predictor(folder, Switches()).run({"text": np.array(["hello"])})["numbers"].tolist() == [[2, 5, 3]]
    prototxt.write_text(lines.format(1))
    with pytest.raises(ModelInvalid, match="input 'text' is text in only one of them"):
        Predictor(folder, Switches())


def test_convert_writes_feed_type_20_for_text(typed_models: Path) -> None:
    program = read_program(find_model_files(typed_models / "text"))
    ports = [(port, port.name) for port in program.feeds]
    assert "feed_type: 20" in render(ports, [(port, port.name) for port in program.fetches])[0]


def test_a_vocabulary_that_is_cut_off_is_named(typed_models: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(typed_models / "text", tmp_path / "model"))
    params = folder / "inference.pdiparams"
    params.write_bytes(params.read_bytes()[:-3])
    with pytest.raises(ModelInvalid, match=r"inference\.pdiparams is incomplete"):
        Predictor(folder, Switches())
