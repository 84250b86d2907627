"""Paddle's OpenVINO engine, in processes of their own: a process has it once."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.paddle_model import openvino, plugin
from paddle_serving_runtime.paddle_model.openvino import ErrorWatch, RunFailed
from paddle_serving_runtime.paddle_model.plugin import require_plugin

_HEAD = """
import json, os, sys, tempfile
from pathlib import Path
import numpy as np
from paddle_serving_runtime.paddle_model.openvino import engine
from paddle_serving_runtime.paddle_model.predictor import Predictor
from paddle_serving_runtime.paddle_model.switches import Switches

folder = Path(sys.argv[1])
WIDE = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)


def loaded(backend="OpenVINO", name=""):
    return Predictor(folder / name, Switches(backend=backend))


def raised(compute):
    try:
        compute()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def told(**found):
    print(json.dumps(found))
"""


def in_process(script: str, model: Path, tmp_path: Path) -> tuple[dict[str, Any], str]:
    """What the script tells of itself, run in `tmp_path` with its temporary files there, and its stderr."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "cwd").mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _HEAD + script, str(model)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        cwd=tmp_path / "cwd",
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer, done.stderr


def test_it_computes_as_paddles_own_kernels_do_and_leaves_nothing_on_disk(backend_models: Path, tmp_path: Path) -> None:
    script = """
predictor = loaded()
fast, default = (one.run({"x": WIDE})["softmax_0.tmp_0"] for one in (predictor, loaded("Default")))
told(
    used="libopenvino_intel_cpu_plugin.so" in Path("/proc/self/maps").read_text(),
    distance=float(np.abs(fast - default).max()),
    shape=raised(lambda: predictor.run({"x": WIDE[0]})),
    width=raised(lambda: predictor.run({"x": WIDE[:, :3]})),
    again=predictor.run({"x": WIDE})["softmax_0.tmp_0"].tobytes() == fast.tobytes(),
    second=raised(loaded),
    left=[*map(str, Path.cwd().rglob("*")), *map(str, Path(tempfile.gettempdir()).glob("*openvino*"))],
)
"""
    found, _ = in_process(script, backend_models / "classes", tmp_path)
    assert found["used"]
    assert found["distance"] < 1e-6
    assert found["shape"] == "InputRefused: input 'x' has the shape [4]; the model's is [-1, 4]"
    assert found["width"] == "InputRefused: input 'x' has the shape [2, 3]; the model's is [-1, 4]"
    assert found["again"]
    assert found["second"].endswith("there is a predictor with Paddle's OpenVINO engine in this process already")
    assert found["left"] == []


def test_float32_is_asked_for_by_name_and_the_folder_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some processors would compute in bfloat16 by themselves, which is off by 5e-3; others know no lower precision."""
    from paddle.inference import PrecisionType  # noqa: PLC0415 - a second's import

    class Config:
        def set_optim_cache_dir(self, folder: str) -> None:
            self.folder = Path(folder)

        def enable_openvino_engine(self, precision: object) -> None:
            self.precision = precision

    loaded = iter((False, True))
    monkeypatch.setattr(openvino, "is_loaded", lambda: next(loaded))
    config = Config()
    with openvino.engine(config):
        assert (config.precision, [*config.folder.iterdir()]) == (PrecisionType.Float32, [])
    assert not config.folder.exists()


def test_a_run_that_fails_inside_is_an_error_and_not_the_answer_of_the_run_before(
    backend_models: Path, tmp_path: Path
) -> None:
    script = """
predictor = loaded()
two, three = np.ones((2, 2), "float32"), np.ones((3, 2), "float32")
first = predictor.run({"x": two, "other": two})
failed = raised(lambda: predictor.run({"x": three, "other": two}))
after = predictor.run({"x": two, "other": two})
told(failed=failed, alike=[after[name].tobytes() == first[name].tobytes() for name in first])
"""
    found, stderr = in_process(script, backend_models / "sum", tmp_path)
    assert found["failed"].startswith("RunFailed: Paddle's OpenVINO engine failed inside of a run: ")
    assert "mismatch" in found["failed"]
    assert found["alike"] == [True]
    assert "engine.cc" in stderr, "what Paddle says is passed on"


def test_the_reference_computes_the_same_bits_and_has_no_answer_where_a_run_fails(
    backend_models: Path, tmp_path: Path
) -> None:
    script = """
import subprocess
from paddle_serving_runtime.graph import REQUEST, Node
from paddle_serving_runtime.reference.inference import Inference
two, three = np.ones((2, 2), "float32"), np.ones((3, 2), "float32")
if len(sys.argv) == 2:  # the other process has the predictor of the serving path
    command = [sys.executable, "-W", "ignore", "-c", sys.orig_argv[-2], str(folder), "served"]
    served = subprocess.run(command, check=True, capture_output=True).stdout
    node = Node("model", None, (REQUEST,), folder, Switches(backend="OpenVINO"), (), 1, None, None, 1)
    model = Inference(node, folder)
    (answer,) = model({"x": two, "other": two}).values()
    failed = raised(lambda: model({"x": three, "other": two}))
    told(alike=answer.tobytes().hex() == json.loads(served.splitlines()[-1])["answer"], failed=failed)
else:
    (answer,) = loaded().run({"x": two, "other": two}).values()
    told(answer=answer.tobytes().hex())
"""
    found, _ = in_process(script, backend_models / "sum", tmp_path)
    assert found["alike"]
    assert found["failed"].startswith("RunFailed: ")


def test_where_its_errors_cannot_be_seen_it_is_not_used(backend_models: Path, tmp_path: Path) -> None:
    script = """
import re
from paddle_serving_runtime.paddle_model import openvino
openvino._ERROR = re.compile(b"as another version of Paddle would write it")
told(failed=raised(loaded))
"""
    found, _ = in_process(script, backend_models / "sum", tmp_path)
    assert "an error of Paddle's OpenVINO engine is not to be seen on stderr here" in found["failed"]


def test_a_model_for_which_paddle_ignores_it_is_refused(exported_models: Path, tmp_path: Path) -> None:
    """Past the rules that keep such a model from it: the engine itself has to be found in memory."""
    script = """
from paddle import inference
config = inference.Config(str(folder / "inference.json"), str(folder / "inference.pdiparams"))
def load():
    with engine(config):
        inference.create_predictor(config)
failed = raised(load)
told(failed=failed, says=config.openvino_engine_enabled())
"""
    found, _ = in_process(script, exported_models / "pir", tmp_path)
    assert found["failed"] == (
        "EngineUnusable: Paddle ignores its OpenVINO engine for this model: the engine is not in memory"
    )
    assert found["says"], "Paddle says that it is used"


def test_an_operation_that_it_does_not_load_is_an_error_while_loading(backend_models: Path, tmp_path: Path) -> None:
    found, _ = in_process("told(failed=raised(loaded))", backend_models / "refused", tmp_path)
    assert "inference.pdmodel cannot be loaded by Paddle" in found["failed"]
    assert "Can't convert paddle model to openvino model" in found["failed"]


@pytest.mark.parametrize("name", ["whole", "double"])
def test_numbers_of_64_bits_are_left_to_paddles_own_kernels(backend_models: Path, tmp_path: Path, name: str) -> None:
    script = """
x = np.array([[2**40, 3]]).astype("int64" if folder.name == "whole" else "float64")
answers = [loaded(backend).run({"x": x}) for backend in ("OpenVINO", "Default")]
exact = [[value.tolist() for value in answer.values()] for answer in answers]
told(alike=exact[0] == exact[1], first=exact[0][0])
"""
    found, _ = in_process(script, backend_models / name, tmp_path)
    assert found == {"alike": True, "first": [[2**41 + 1, 7]]}


def test_places_that_a_table_does_not_have_are_refused_whoever_computes(backend_models: Path, tmp_path: Path) -> None:
    script = """
predictor = loaded()
used = "libopenvino_intel_cpu_plugin.so" in Path("/proc/self/maps").read_text()
def place(number):
    return {"ids": np.array([[3, number]])}
(first,) = predictor.run(place(9)).values()
refused = [raised(lambda: predictor.run(place(number))) for number in (10, 12)]
own = raised(lambda: loaded("Default").run(place(10)))
told(used=used, shape=first.shape, refused=refused, own=own)
"""
    found, _ = in_process(script, backend_models / "words", tmp_path)
    sentence = "InputRefused: input 'ids' has numbers from 3 to {}; the model has a table for them from 0 to 9"
    assert found == {
        "used": True,
        "shape": [1, 3],
        "refused": [sentence.format(10), sentence.format(12)],
        "own": sentence.format(10),
    }


def test_where_places_cannot_be_looked_at_paddles_own_kernels_compute(backend_models: Path, tmp_path: Path) -> None:
    script = """
feed = {"x": WIDE, "ids": np.array([1, 0, 1])}
(answer,) = loaded().run(feed).values()
used = "libopenvino_intel_cpu_plugin.so" in Path("/proc/self/maps").read_text()
told(used=used, rows=len(answer), refused=raised(lambda: loaded().run({**feed, "ids": np.array([2])})))
"""
    found, _ = in_process(script, backend_models / "chosen", tmp_path)
    assert (found["used"], found["rows"]) == (False, 3)
    assert found["refused"].startswith("IndexError: ")


def test_a_missing_plug_in_is_a_sentence_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "find_spec", lambda _name: None)
    with pytest.raises(InvalidOption, match=r"has no paddle/libs/libopenvino_intel_cpu_plugin\.so\. Use the CPU runt"):
        require_plugin()


def test_what_is_written_to_stderr_is_passed_on_and_an_error_fails_the_run(capfd: pytest.CaptureFixture[str]) -> None:
    watch = ErrorWatch()
    error = b"E1130 16:04:45.633701 14532 engine_impl.h:64] Exception from a.cpp:74:\nshapes differ\n\n"
    assert watch.run(lambda: os.write(2, b"a word\n")) == 7
    with pytest.raises(RunFailed, match="shapes differ"):
        watch.run(lambda: os.write(2, error))
    with pytest.raises(ZeroDivisionError):
        watch.run(lambda: 1 / 0)
    assert watch.run(lambda: "fine") == "fine"
    assert capfd.readouterr().err == f"a word\n{error.decode()}"
