"""Models that Paddle has trouble with: they are served as Paddle's own kernels compute them, alike on both sides."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.graph import REQUEST, Node
from paddle_serving_runtime.package.contents import load_package
from paddle_serving_runtime.paddle_model.adaptation import Adaptation, adapt
from paddle_serving_runtime.paddle_model.files import find_model_files, model_dirs
from paddle_serving_runtime.paddle_model.predictor import Predictor
from paddle_serving_runtime.paddle_model.program import read_program
from paddle_serving_runtime.paddle_model.switches import Switches
from paddle_serving_runtime.reference.inference import Inference

Answer = dict[str, np.ndarray[Any, Any]]
ROWS = np.array([[1, -2], [3, 0.25]], np.float32)
PICTURE = np.random.default_rng(0).random((1, 3, 8, 8), np.float32)


def answers(folder: Path, **feed: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """The outputs in the program's order, after two runs, equal bit for bit on both sides with the default switches."""
    predictor = Predictor(folder, Switches())
    predictor.run(feed)
    served = predictor.run(feed)
    alone = Inference(Node("model", None, (REQUEST,), folder, Switches(), (), 1, None, None, 1), folder)(feed)
    assert {name: (str(value.dtype), value.shape, value.tobytes()) for name, value in served.items()} == {
        name: (str(value.dtype), value.shape, value.tobytes()) for name, value in alone.items()
    }
    return list(served.values())


def adaptation(folder: Path, switches: Switches | None = None) -> Adaptation:
    files = find_model_files(folder)
    return adapt(files, read_program(files), switches or Switches())


@pytest.mark.parametrize("params", [None, b""], ids=["no file", "an empty file"])
@pytest.mark.parametrize("name", ["bare", "old_passed"])
def test_a_model_without_parameters_needs_no_parameter_file(
    special_models: Path, tmp_path: Path, name: str, params: bytes | None
) -> None:
    folder = Path(shutil.copytree(special_models / name, tmp_path / "package/model"))
    (folder / "inference.pdiparams").unlink(missing_ok=True)
    if params is not None:
        (folder / "inference.pdiparams").write_bytes(params)
    (tmp_path / "package/golden").mkdir()
    (tmp_path / "package/golden/a.json").write_text('{"key": ["x"], "value": ["1,2"]}')
    assert load_package(tmp_path / "package").model_dir == folder
    assert answers(folder, x=ROWS)[0].tolist() == (ROWS * 2).tolist()


def test_what_lies_in_lost_and_found_is_no_model_of_the_package(tmp_path: Path) -> None:
    """Where only root can read that folder, looking into it would be refused."""
    for folder in (tmp_path, tmp_path / "ocr/lost+found", tmp_path / "lost+found", tmp_path / "lost+found/7"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__model__").write_bytes(b"")
    assert model_dirs(tmp_path) == (tmp_path, tmp_path / "ocr/lost+found")


def test_a_parameter_file_for_a_model_without_parameters_is_refused(special_models: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(special_models / "bare", tmp_path / "model"))
    shutil.copy(special_models / "passed/inference.pdiparams", folder)
    with pytest.raises(ModelInvalid, match=r"holds 1 tensor, but inference\.json has 0 .* too many is float32 \[1\]"):
        Predictor(folder, Switches())


def test_a_parameter_file_that_ends_in_the_next_tensor_is_said_to_be_cut_off(
    special_models: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(special_models / "passed", tmp_path / "model"))
    with (folder / "inference.pdiparams").open("ab") as parameters:
        parameters.write(bytes(3))
    with pytest.raises(ModelInvalid, match=r"inference\.pdiparams is incomplete: tensor 1 is cut off \(the file has "):
        Predictor(folder, Switches())


@pytest.mark.parametrize("name", ["average", "old_average"])
def test_averages_do_not_count_what_ceil_mode_adds(special_models: Path, name: str) -> None:
    def sums(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        padded = np.pad(values, ((0, 0), (0, 0), (0, 1), (0, 1)))
        places = range(0, 7, 2)
        rows = [[padded[..., i : i + 3, j : j + 3].sum((-1, -2)) for j in places] for i in places]
        return np.moveaxis(np.array(rows), (0, 1), (-2, -1))

    (found,) = answers(special_models / name, x=PICTURE)
    np.testing.assert_allclose(found, sums(PICTURE) / sums(np.ones_like(PICTURE)), rtol=1e-6)
    (warning,) = adaptation(special_models / name).warnings
    assert "oneDNN in Paddle counts what is padded at the end (avg_pool2d, exclusive=False)" in warning


def test_channels_on_the_last_axis_are_computed_right(special_models: Path) -> None:
    picture = np.random.default_rng(0).random((2, 8, 8, 8), np.float32)
    (found,) = answers(special_models / "channels_last", x=picture)
    (wanted,) = Predictor(special_models / "channels_last", Switches(onednn=False)).run({"x": picture}).values()
    assert found.tobytes() == wanted.tobytes()
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-6)


def test_an_input_without_dimensions_is_the_same_on_both_sides(special_models: Path) -> None:
    (found,) = answers(special_models / "number", x=np.array(1.5, np.float32))
    assert (found.shape, found.item()) == ((), 3.0)


def test_an_alias_that_is_the_name_of_another_input_means_its_own_on_both_sides(
    special_models: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(special_models / "rows", tmp_path / "model"))
    (fetched,) = read_program(find_model_files(folder)).fetches
    fed = "".join(
        f'feed_var {{ name: "{name}" alias_name: "{alias}" feed_type: 1 shape: 2 }}\n' for name, alias in ("xy", "yx")
    )
    text = f'{fed}fetch_var {{ name: "{fetched.name}" alias_name: "rows" fetch_type: 1 shape: 2 }}\n'
    (folder / "serving_server_conf.prototxt").write_text(text)
    assert answers(folder, x=ROWS, y=-ROWS)[0].tolist() == [*(-ROWS).tolist(), *ROWS.tolist()]


@pytest.mark.parametrize(
    ("name", "feed", "first"),
    [("old_passed", {"x": ROWS}, ROWS * 2), ("rows", {"x": ROWS, "y": -ROWS}, np.concatenate([ROWS, -ROWS]))],
    ids=["two outputs", "two inputs"],
)
def test_a_prototxt_without_aliases_means_the_names_on_both_sides(
    special_models: Path, tmp_path: Path, name: str, feed: Answer, first: np.ndarray[Any, Any]
) -> None:
    folder = Path(shutil.copytree(special_models / name, tmp_path / "model"))
    fetched = [port.name for port in read_program(find_model_files(folder)).fetches]
    variables = [
        *(f'feed_var {{ name: "{each}" feed_type: 1 shape: 2 }}' for each in feed),
        *(f'fetch_var {{ name: "{each}" fetch_type: 1 shape: 2 }}' for each in fetched),
    ]
    (folder / "serving_server_conf.prototxt").write_text("\n".join(variables))
    assert answers(folder, **feed)[0].tolist() == first.tolist()


@pytest.mark.parametrize("name", ["passed", "old_passed"])
def test_an_output_that_is_an_untouched_input_is_answered(special_models: Path, name: str) -> None:
    feed = {"x": ROWS} if name == "old_passed" else {"x": ROWS, "k": ROWS[:, :1]}
    twice, same = answers(special_models / name, **feed)
    assert twice.tolist() == (ROWS * 2).tolist()
    assert same.tolist() == list(feed.values())[-1].tolist()


def test_outputs_that_nothing_computes_are_told(special_models: Path) -> None:
    _, x, w = answers(special_models / "lost", x=ROWS)
    assert (x.tolist(), w.tolist()) == (ROWS.tolist(), [0]), "Paddle saves x + 1.0 and w + 1.0 as x and w"
    first, second = adaptation(special_models / "lost").warnings
    assert "inference.json: the output 'x' is the input 'x' itself" in first
    assert " is the parameter " in second
    assert adaptation(special_models / "equal").warnings == ()


def test_two_outputs_of_one_operation_are_both_answered(special_models: Path) -> None:
    x = np.array([[1, 5, 2, 3], [9, 0, 0, 1]], np.float32)
    assert [value.tolist() for value in answers(special_models / "equal", x=x)] == [x.tolist(), [1, 0], [1, 0]]


def test_the_state_of_an_lstm_is_no_saved_parameter(special_models: Path) -> None:
    (hidden,) = answers(special_models / "recurrent", x=np.ones((2, 5, 4), np.float32))
    assert hidden.shape == (2, 5, 3)


def test_an_input_may_have_no_rows(special_models: Path) -> None:
    (both,) = answers(special_models / "rows", x=ROWS, y=ROWS[:0])
    assert both.tolist() == ROWS.tolist()


WITHOUT_ONEDNN = {
    "up_nearest": "cannot read the scale of nearest_interp",
    "up_bilinear": "cannot read the scale of bilinear_interp",
    "branch": "cannot read the scale of nearest_interp",
    "several_axes": "has no layer_norm over more than the last axis",
    "attention": r"computes wrong products \(matmul\)",
    "old_clip": "does not see the limits of clip that are tensors",
}


@pytest.mark.parametrize("name", WITHOUT_ONEDNN)
def test_what_onednn_in_paddle_cannot_compute_runs_without_it_and_it_is_said(special_models: Path, name: str) -> None:
    x = ROWS if name == "old_clip" else PICTURE
    (output, *_) = answers(special_models / name, x=x)
    without = Predictor(special_models / name, Switches(onednn=False)).run({"x": x})
    assert output.tobytes() == next(iter(without.values())).tobytes()
    adapted = adaptation(special_models / name)
    assert not adapted.switches.onednn
    (warning,) = adapted.warnings
    assert re.search(f"runs without oneDNN, as with --onednn false .*{WITHOUT_ONEDNN[name]}", warning)
    files = find_model_files(special_models / name)
    assert adapt(files, read_program(files), adapted.switches).switches == adapted.switches
    assert adaptation(special_models / name, Switches(onednn=False)).warnings == ()


def test_convolutions_that_are_joined_are_loaded_with_onednn(special_models: Path) -> None:
    (both,) = answers(special_models / "joined", x=PICTURE)
    assert both.shape == (1, 8, 8, 8)
    assert (both.min(), both[:, :4].tolist()) == (0, both[:, 4:].tolist())


def test_clipping_to_tensors_clips(special_models: Path) -> None:
    clipped, _ = answers(special_models / "old_clip", x=ROWS)
    assert clipped.tolist() == [[0.5, -0.5], [0.5, 0.25]]


@pytest.mark.parametrize("name", ["up_bicubic", "recurrent", "equal", "bare", "joined"])
def test_all_others_keep_onednn(special_models: Path, name: str) -> None:
    adapted = adaptation(special_models / name)
    assert (adapted.switches.onednn, adapted.warnings) == (True, ())
