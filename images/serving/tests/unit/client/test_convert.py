import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format

from paddle_serving_client.convert import main
from paddle_serving_runtime import serving_packages
from paddle_serving_runtime.cli.main import main as runtime
from paddle_serving_runtime.paddle_model.predictor import Predictor
from paddle_serving_runtime.paddle_model.switches import Switches

EXPECTED = """\
feed_var {
  name: "a"
  alias_name: "a"
  is_lod_tensor: false
  feed_type: 0
  shape: 2
}
feed_var {
  name: "b"
  alias_name: "b"
  is_lod_tensor: false
  feed_type: 1
  shape: 2
}
feed_var {
  name: "c"
  alias_name: "c"
  is_lod_tensor: false
  feed_type: 9
  shape: 2
}
fetch_var {
  name: "fc_0.tmp_1"
  alias_name: "total"
  is_lod_tensor: false
  fetch_type: 1
  shape: 2
}
fetch_var {
  name: "tmp_2"
  alias_name: "twice"
  is_lod_tensor: false
  fetch_type: 0
  shape: 2
}
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def convert(model: Path, *more: str, program: str = "inference.pdmodel") -> int:
    return main([f"--dirname={model}", f"--model_filename={program}", "--params_filename=inference.pdiparams", *more])


def read_back(path: Path) -> Any:  # noqa: ANN401 - generated protobuf message
    serving_packages.install()
    from paddle_serving_server.proto.general_model_config_pb2 import GeneralModelConfig  # noqa: PLC0415

    if ".stream." in path.name:
        return GeneralModelConfig.FromString(path.read_bytes())
    return text_format.Parse(path.read_text(), GeneralModelConfig())


def test_the_prototxt_is_what_paddle_serving_writes(exported_models: Path, tmp_path: Path) -> None:
    assert convert(exported_models / "types", "--fetch_alias_names=total,twice") == 0
    texts = [
        tmp_path / "serving_server/serving_server_conf.prototxt",
        tmp_path / "serving_client/serving_client_conf.prototxt",
    ]
    assert [path.read_text() for path in texts] == [EXPECTED, EXPECTED]
    for path in texts:
        stream = path.with_name(path.name.replace(".prototxt", ".stream.prototxt"))
        assert read_back(stream) == read_back(path)
    assert sorted(path.name for path in (tmp_path / "serving_client").iterdir()) == [
        "serving_client_conf.prototxt",
        "serving_client_conf.stream.prototxt",
    ]


def test_outputs_are_in_the_order_of_their_names(exported_models: Path, tmp_path: Path) -> None:
    assert convert(exported_models / "program", "--fetch_alias_names=tenths,scores") == 0
    conf = read_back(tmp_path / "serving_server/serving_server_conf.prototxt")
    found = [(var.name, var.alias_name) for var in conf.fetch_var]
    assert found == [("cast_0.tmp_0", "tenths"), ("softmax_0.tmp_0", "scores")]


def test_both_forms_equal_the_ones_that_the_original_program_wrote(uci_model: Path, tmp_path: Path) -> None:
    """The wheel's own model was converted by Paddle Serving, with the alias price."""
    assert main([f"--dirname={uci_model}", "--fetch_alias_names=price"]) == 0
    for name in ("serving_server_conf.prototxt", "serving_server_conf.stream.prototxt"):
        assert (tmp_path / "serving_server" / name).read_bytes() == (uci_model / name).read_bytes()


def test_separate_parameters_become_one_file_that_computes_the_same(uci_model: Path, tmp_path: Path) -> None:
    assert main([f"--dirname={uci_model}", "--fetch_alias_names=price"]) == 0
    server = tmp_path / "serving_server"
    assert {path.name for path in server.iterdir()} >= {"model.pdmodel", "params.pdiparams"}
    x = np.linspace(-1, 1, 26, dtype=np.float32).reshape(2, 13)
    before, after = (Predictor(folder, Switches()).run({"x": x})["price"] for folder in (uci_model, server))
    assert before.tobytes() == after.tobytes()


def test_a_model_in_the_form_of_paddle_3_is_converted(exported_models: Path, tmp_path: Path) -> None:
    assert convert(exported_models / "pir", "--fetch_alias_names", "scores,best", program="inference.json") == 0
    server = tmp_path / "serving_server"
    conf = read_back(server / "serving_server_conf.prototxt")
    assert [(v.name, v.alias_name, v.fetch_type, list(v.shape)) for v in conf.fetch_var] == [
        ("fetch_name_0", "scores", 1, [3]),
        ("fetch_name_1", "best", 0, []),
    ]
    answer = Predictor(server, Switches()).run({"x": np.ones((2, 4), np.float32)})
    assert list(answer) == ["scores", "best"]


def test_converting_again_into_the_same_folder_is_harmless(exported_models: Path, tmp_path: Path) -> None:
    shutil.copytree(exported_models / "program", tmp_path / "model")
    words = ("--serving_server=model", "--serving_client=client")
    first: dict[str, bytes] = {}
    for _ in range(2):
        assert convert(tmp_path / "model", *words) == 0
        files = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}
        first = first or files
        assert files == first


def test_show_proto_prints_and_writes_nothing(
    exported_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(exported_models / "types", "--fetch_alias_names=total,twice", "--show_proto=True") == 0
    assert capsys.readouterr().out.strip() == EXPECTED.strip()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--feed_alias_names=x"], "--feed_alias_names has 1 name, but the model has 3 variables: a, b, c."),
        (["--fetch_alias_names=x,x"], "--fetch_alias_names has a name twice"),
        (["--model_filename=nothing"], "nothing does not exist"),
        (["--params_filename=nothing"], "nothing does not exist"),
    ],
)
def test_what_cannot_work_is_a_sentence_and_writes_nothing(
    exported_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert convert(exported_models / "types", *words) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_cut_parameter_file_is_not_converted(
    exported_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(exported_models / "program", tmp_path / "model")
    params = tmp_path / "model/inference.pdiparams"
    params.write_bytes(params.read_bytes()[:-1])
    assert convert(tmp_path / "model") == 1
    assert "inference.pdiparams is incomplete: tensor 1 is cut off 1 bytes before its end" in capsys.readouterr().err
    assert not (tmp_path / "serving_server").exists()


def test_it_starts_as_a_module_and_as_a_command_of_the_runtime(exported_models: Path, tmp_path: Path) -> None:
    words = [
        *("--dirname", str(exported_models / "program")),
        *("--model_filename", "inference.pdmodel", "--params_filename", "inference.pdiparams"),
    ]
    subprocess.run(
        [sys.executable, "-m", "paddle_serving_client.convert", *words], cwd=tmp_path, check=True, timeout=300
    )
    (tmp_path / "serving_server").rename(tmp_path / "first")
    assert runtime(["convert", *words]) == 0
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "serving_server" / path.name).read_bytes()
