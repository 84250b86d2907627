import math
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from paddle import inference

from images.serving.tests.services import X as HOUSE
from paddle_serving_runtime.errors import InvalidOption, ModelInvalid
from paddle_serving_runtime.paddle_model import predictor
from paddle_serving_runtime.paddle_model.predictor import Predictor
from paddle_serving_runtime.paddle_model.switches import Switches

X = np.array([float(i) / 10 for i in range(13)], np.float32).reshape(1, 13)


@pytest.fixture
def model(exported_models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported_models / "program", tmp_path / "model"))


@pytest.fixture
def no_paddle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with these files is seen before Paddle reads them: it does not see all of it."""
    monkeypatch.setattr(predictor, "_load", lambda *_: pytest.fail("the model reached Paddle"))


def test_the_old_format_answers_by_alias(uci_model: Path) -> None:
    """The expected price is what Paddle Serving's own examples print for this input."""
    x = np.array([float(part) for part in HOUSE.split(",")]).reshape(1, 13)  # float64: it is cast to float32
    answer = Predictor(uci_model, Switches()).run({"x": x})
    assert list(answer) == ["price"]
    assert answer["price"].dtype == np.float32
    np.testing.assert_allclose(answer["price"], [[18.901152]], rtol=1e-6)


@pytest.mark.parametrize("name", ["pir", "program"])
def test_models_without_a_prototxt_answer_by_their_own_names(exported_models: Path, name: str) -> None:
    predictor = Predictor(exported_models / name, Switches())
    answer = predictor.run({"x": np.ones((5, 4), np.float32)})
    scores, second = answer.values()
    assert list(answer) == [variable.name for variable in predictor.conf.fetches]
    assert [variable.shape for variable in predictor.conf.feeds] == [(4,)]
    assert scores.shape == (5, 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-6)
    assert second.dtype == np.int64


def test_inputs_are_cast_to_the_types_of_the_model(exported_models: Path) -> None:
    predictor = Predictor(exported_models / "types", Switches())
    feed = {"a": [[1.0, 2.0]], "b": np.array([[1, 2]]), "c": np.array([[0, 1]])}
    answer = predictor.run(feed)  # type: ignore[arg-type]
    assert answer["tmp_2"].tolist() == [[2, 4]]
    other = predictor.run({**feed, "c": np.array([[False, True]])})  # type: ignore[dict-item]
    assert other["fc_0.tmp_1"].tobytes() == answer["fc_0.tmp_1"].tobytes()


@pytest.mark.parametrize("switches", [Switches(), Switches(ir_optim=False), Switches(onednn=True, memory_optim=False)])
def test_every_switch_gives_the_same_answer_within_rounding(uci_model: Path, switches: Switches) -> None:
    plain = Predictor(uci_model, Switches(ir_optim=False, memory_optim=False)).run({"x": X})
    np.testing.assert_allclose(Predictor(uci_model, switches).run({"x": X})["price"], plain["price"], rtol=1e-5)


def test_the_bits_are_those_of_paddle_inference_with_the_same_switches(exported_models: Path) -> None:
    """oneDNN is on by default in Paddle 3.3.1, and rounds differently: off has to mean off."""
    model = exported_models / "program"
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    answers = {}
    for onednn in (False, True):
        config = inference.Config(str(model / "inference.pdmodel"), str(model / "inference.pdiparams"))
        config.disable_glog_info()
        config.set_cpu_math_library_num_threads(1)
        if not onednn:
            config.disable_mkldnn()
        plain = inference.create_predictor(config)
        plain.get_input_handle("x").copy_from_cpu(x)
        plain.run()
        answers[onednn] = plain.get_output_handle("softmax_0.tmp_0").copy_to_cpu().tobytes()
        ours = Predictor(model, Switches(onednn=onednn)).run({"x": x})
        assert ours["softmax_0.tmp_0"].tobytes() == answers[onednn]
    assert answers[False] != answers[True], "this model cannot tell the switch"


def test_aliases_may_be_in_any_order_and_names_stay_theirs(model: Path) -> None:
    outputs = [("cast_0.tmp_0", "tenths", 0), ("softmax_0.tmp_0", "scores", 1)]
    fetches = "".join(
        f'fetch_var {{ name: "{name}" alias_name: "{alias}" fetch_type: {code} shape: 3 }}\n'
        for name, alias, code in outputs
    )
    plain = Predictor(model, Switches()).run({"x": np.ones((1, 4))})
    (model / "serving_server_conf.prototxt").write_text(
        'feed_var { name: "x" alias_name: "input" feed_type: 1 shape: 4 }\n' + fetches
    )
    predictor = Predictor(model, Switches())
    for key in ("input", "x"):
        answer = predictor.run({key: np.ones((1, 4))})
        assert list(answer) == ["tenths", "scores"]
        assert answer["tenths"].tolist() == plain["cast_0.tmp_0"].tolist()
        assert answer["scores"].tolist() == plain["softmax_0.tmp_0"].tolist()


def test_a_request_leaves_nothing_behind(uci_model: Path) -> None:
    predictor = Predictor(uci_model, Switches())
    first = predictor.run({"x": X})["price"].copy()
    with pytest.raises((ValueError, RuntimeError)):
        predictor.run({"x": X[:, :5]})
    assert predictor.run({"x": np.repeat(X, 3, axis=0)})["price"].shape == (3, 1)
    assert predictor.run({"x": X})["price"].tobytes() == first.tobytes()


def test_missing_and_unknown_inputs_are_named(uci_model: Path) -> None:
    predictor = Predictor(uci_model, Switches())
    with pytest.raises(KeyError, match="x"):
        predictor.run({})
    with pytest.raises(ValueError, match="unknown input 'y'; the model's inputs are x"):
        predictor.run({"x": X, "y": X})


@pytest.mark.usefixtures("no_paddle")
@pytest.mark.parametrize("cut", [1, 7, 40])
def test_cut_parameters_are_refused_although_paddle_would_load_them(model: Path, cut: int) -> None:
    params = model / "inference.pdiparams"
    params.write_bytes(params.read_bytes()[:-cut])
    with pytest.raises(ModelInvalid, match=r"inference\.pdiparams is incomplete: tensor [01]"):
        Predictor(model, Switches())


MISFITS = {
    "of another width": ("linear_0.w_0", [5, 3], "float32", r"'linear_0\.w_0' is float32 \[5, 3\] in the file"),
    "transposed": ("linear_0.w_0", [3, 4], "float32", r"'linear_0\.w_0' is float32 \[3, 4\] in the file"),
    "of another type": ("linear_0.b_0", [3], "float64", r"'linear_0\.b_0' is float64 \[3\] in the file"),
    "of another rank": ("linear_0.b_0", [1, 3], "float32", r"'linear_0\.b_0' is float32 \[1, 3\] in the file"),
}
CODES = {"float32": 5, "float64": 6}


def stored(dims: list[int], dtype: str) -> bytes:
    """A tensor as a parameter file has it, all zeros."""
    described = bytes([0x08, CODES[dtype], *(byte for dim in dims for byte in (0x10, dim))])
    size = math.prod(dims) * np.dtype(dtype).itemsize
    return struct.pack("<IQIi", 0, 0, 0, len(described)) + described + bytes(size)


@pytest.mark.usefixtures("no_paddle")
@pytest.mark.parametrize("case", MISFITS)
@pytest.mark.parametrize("form", ["pir", "program", "separate"])
def test_a_parameter_that_is_another_than_the_programs_is_named(
    exported_models: Path, uci_model: Path, tmp_path: Path, form: str, case: str
) -> None:
    """Paddle takes shape and type from the file and answers with another width, or with what lies in memory."""
    name, dims, dtype, words = MISFITS[case]
    if form == "separate":
        folder = Path(shutil.copytree(uci_model, tmp_path / "model"))
        (folder / "fc_0.w_0").write_bytes(stored(dims, dtype))
        words = r"fc_0\.w_0 does not belong to __model__: .* 'fc_0\.w_0' is .* but float32 \[13, 1\] in the program"
    else:
        folder = Path(shutil.copytree(exported_models / form, tmp_path / "model"))
        right = {"linear_0.b_0": ([3], "float32"), "linear_0.w_0": ([4, 3], "float32")} | {name: (dims, dtype)}
        (folder / "inference.pdiparams").write_bytes(b"".join(stored(*each) for each in right.values()))
        if form == "program":  # whose parameters have other names
            words = words.replace("linear_0", "fc_0")
    with pytest.raises(ModelInvalid, match=words):
        Predictor(folder, Switches())


@pytest.mark.usefixtures("no_paddle")
@pytest.mark.parametrize("form", ["pir", "program"])
def test_too_few_and_too_many_parameters_are_told(exported_models: Path, tmp_path: Path, form: str) -> None:
    folder = Path(shutil.copytree(exported_models / form, tmp_path / "model"))
    params = folder / "inference.pdiparams"
    whole = params.read_bytes()
    params.write_bytes(stored([3], "float32"))
    with pytest.raises(ModelInvalid, match=r"holds 1 tensor, but .* has 2 parameters; the first that is missing"):
        Predictor(folder, Switches())
    params.write_bytes(whole + stored([7], "float32"))
    with pytest.raises(ModelInvalid, match=r"holds 3 tensors, .* the first that is too many is float32 \[7\]"):
        Predictor(folder, Switches())


@pytest.mark.usefixtures("no_paddle")
def test_parameters_of_another_model_are_refused(model: Path, exported_models: Path) -> None:
    (model / "inference.pdiparams").write_bytes(b"")
    with pytest.raises(ModelInvalid, match=r"inference\.pdiparams holds 0 tensors, but inference\.pdmodel has 2 param"):
        Predictor(model, Switches())
    (model / "inference.pdiparams").write_bytes((exported_models / "pir/inference.json").read_bytes())
    with pytest.raises(ModelInvalid, match=r"inference\.pdiparams is incomplete: tensor 0 does not begin with"):
        Predictor(model, Switches())


@pytest.mark.usefixtures("no_paddle")
@pytest.mark.parametrize(("name", "program"), [("program", "inference.pdmodel"), ("pir", "inference.json")])
def test_a_cut_program_is_named(exported_models: Path, tmp_path: Path, name: str, program: str) -> None:
    model = Path(shutil.copytree(exported_models / name, tmp_path / "model"))
    (model / program).write_bytes((model / program).read_bytes()[:-50])
    with pytest.raises(ModelInvalid, match=f"{program} is not a program that this runtime can read"):
        Predictor(model, Switches())


@pytest.mark.usefixtures("no_paddle")
def test_a_missing_parameter_file_of_the_old_format_is_named(uci_model: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(uci_model, tmp_path / "model"))
    (model / "fc_0.w_0").unlink()
    with pytest.raises(ModelInvalid, match=r"fc_0\.w_0 is missing; __model__ names it as a parameter"):
        Predictor(model, Switches())


@pytest.mark.usefixtures("no_paddle")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("fc_0.tmp_1", "fc_9.tmp_1", "output 'fc_9.tmp_1' is only in one of them"),
        ('name: "x"', 'name: "y"', "input 'x' is only in one of them"),
        ("feed_type: 1", "feed_type: 20", "input .x. is text in only one of them"),
        ("feed_type: 1", "feed_type: 0", "input 'x' is int64 in the prototxt, but float32 in the model"),
        ("feed_type: 1", "feed_type: 6", "input 'x' is bfloat16 in the prototxt, but float32 in the model"),
        ("fetch_type: 1", "fetch_type: 3", "output 'fc_0.tmp_1' is float64 in the prototxt, but float32 in the model"),
        ("shape: 13", "shape: 12", r"input 'x' has the shape \[12\] in the prototxt .*, but \[-1, 13\] in the model"),
        ("shape: 13", "shape: 13 shape: 1", r"input 'x' has the shape \[13, 1\] in the prototxt"),
        ("fetch_var {", 'feed_var { name: "z" feed_type: 1 }\nfetch_var {', "input 'z' is only in one of them"),
        ("feed_type: 1", "feed_type: 12", "variable x has type 12; known are 0 to 11 and 20"),
        ("feed_var {", "feed_var [", r"serving_server_conf\.prototxt: 2:3"),
    ],
)
def test_a_prototxt_that_does_not_fit_is_refused(
    uci_model: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    model = Path(shutil.copytree(uci_model, tmp_path / "model"))
    conf = model / "serving_server_conf.prototxt"
    conf.write_text(conf.read_text().replace(old, new))
    with pytest.raises(ModelInvalid, match=message):
        Predictor(model, Switches())


def test_two_outputs_cannot_share_an_alias(model: Path) -> None:
    (model / "serving_server_conf.prototxt").write_text(
        'feed_var { name: "x" alias_name: "x" feed_type: 1 shape: 4 }\n'
        'fetch_var { name: "softmax_0.tmp_0" alias_name: "prediction" fetch_type: 1 shape: 3 }\n'
        'fetch_var { name: "cast_0.tmp_0" alias_name: "prediction" fetch_type: 0 shape: 3 }\n'
    )
    with pytest.raises(ModelInvalid, match="the name 'prediction' stands for 2 variables"):
        Predictor(model, Switches())


def test_a_device_that_is_not_there_is_never_replaced_by_the_cpu(uci_model: Path) -> None:
    with pytest.raises(InvalidOption, match="device gpu:0 is asked for, but"):
        Predictor(uci_model, Switches(device="gpu:0"))
    with pytest.raises(InvalidOption, match="device 'cuda' is not known"):
        Predictor(uci_model, Switches(device="cuda"))


def test_folders_without_or_with_several_models_are_refused(tmp_path: Path, exported_models: Path) -> None:
    with pytest.raises(ModelInvalid, match="holds no model"):
        Predictor(tmp_path, Switches())
    for name in ("a", "b"):
        for suffix in (".pdmodel", ".pdiparams"):
            shutil.copy(exported_models / "program" / f"inference{suffix}", tmp_path / f"{name}{suffix}")
    with pytest.raises(ModelInvalid, match=r"more than one model: a\.pdmodel, b\.pdmodel"):
        Predictor(tmp_path, Switches())
