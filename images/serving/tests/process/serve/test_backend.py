"""Another engine of Paddle computes: chosen once, told everywhere, and proved like any other."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import requests

from images.serving.tests.services import IMPORTS, config, one_op
from paddle_serving_runtime.paddle_model.plugin import PLUGIN
from paddle_serving_runtime.reference import read
from paddle_serving_runtime.verdict.backend import Choice

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

Command = Callable[..., Any]
Made = Callable[..., Path]
WIDE = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)
TIES = np.array([[1, 2, 2, 2], [3, 3, 0, 3]], np.float32)
SUM_SERVICE = (
    IMPORTS
    + """

def rows(text):
    return np.array([[float(value) for value in row.split(",")] for row in text.split(";")], "float32")


class SumOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, inputs), = input_dicts.items()
        return {name: rows(inputs[name]) for name in ("x", "other")}, False, None, ""

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        (answer,) = fetch_dict.values()
        return {"y": str(answer.tolist())}, None, ""
"""
    + one_op("SumOp", "sum", "adding")
)
ONES = {"key": ["x", "other"], "value": ["1,1;1,1", "1,1;1,1"]}
TWOS = {"key": ["x", "other"], "value": ["2,2;2,3", "1,1;1,1"]}
SAMPLES = {"one": {"x": WIDE}, "two": {"x": WIDE * 3}}


@pytest.fixture
def made(tmp_path: Path, backend_models: Path, command: Command) -> Made:
    """Makes a package of one of the models, with what Paddle's own kernels answer as recorded, or without."""

    def make(model: str, samples: dict[str, dict[str, Any]], *, recorded: bool = True) -> Path:
        root = tmp_path / "package"
        shutil.copytree(backend_models / model, root / "model")
        (root / "golden").mkdir()
        for name, arrays in samples.items():
            np.savez(root / "golden" / f"{name}.npz", **arrays)
        if not recorded:
            return root
        outcome = command("reference", "--model-dir", root, "--output", "reference.json")
        assert outcome.status == 0, outcome.message
        (root / "golden" / "expected").mkdir()
        for name, answer in read(outcome.folder / "reference.json").answers.items():
            if (root / "golden" / name).is_file():
                np.savez(root / "golden" / "expected" / name, **answer)  # type: ignore[arg-type] # arrays by their names
        return root

    return make


def choice_of(command: Command, root: Path, asked: str) -> Choice:
    outcome = command("choose", "--model-dir", root, "--backend", asked, "--output", "choice.json")
    assert outcome.status == 0, outcome.message
    return Choice.from_fields(json.loads((outcome.folder / "choice.json").read_text()))


def test_workers_reference_and_check_have_the_same_engine_and_everything_names_it(
    serve: "Callable[..., Serving]", tmp_path: Path, backend_models: Path, command: Command
) -> None:
    root = tmp_path / "package"
    shutil.copytree(backend_models / "sum", root / "model")
    (root / "web_service.py").write_text(SUM_SERVICE)
    (root / "config.yml").write_text(config("sum"))
    (root / "golden" / "expected").mkdir(parents=True)
    for name, body in (("one.json", ONES), ("two.json", TWOS)):
        (root / "golden" / name).write_text(json.dumps(body))
        (root / "golden" / "expected" / name).write_text(json.dumps({"answer": answered(command, root)[name]}))
    serving = serve(root, "--workers", "1", "--backend", "OpenVINO").wait_ready()
    report = serving.get("/report").json()
    assert (report["verdict"], report["backend"]) == ("Recorded", "OpenVINO")
    assert (report["choice"]["asked"], report["choice"]["backend"]) == ("OpenVINO", "OpenVINO")
    assert [model["backend"] for model in report["switches"]["models"].values()] == ["OpenVINO"]
    assert any('backend="OpenVINO"' in name for name in serving.metrics() if name.startswith("paddle_serving_model"))
    (pid,) = serving.worker_pids()
    assert PLUGIN in Path(f"/proc/{pid}/maps").read_text()

    right = serving.post(ONES).json()
    wrong = serving.post({"key": ["x", "other"], "value": ["5,5;5,5;5,5", "1,1;1,1"]})
    assert (wrong.status_code, "inference failed: RunFailed" in wrong.json()["err_msg"]) == (500, True), wrong.text
    assert serving.post(ONES).json()["value"] == right["value"]
    assert serving.post(TWOS).json()["value"] != right["value"]
    assert serving.worker_pids() == [pid]

    checked = command("check", "--url", serving.http, "--model-dir", root, "--name", "svc", "--backend", "OpenVINO")
    assert (checked.status, "backend OpenVINO" in checked.stdout) == (0, True), checked.stdout + checked.stderr


def test_what_is_timed_is_the_model_and_not_the_reading_of_a_sample(
    tmp_path: Path, backend_models: Path, command: Command
) -> None:
    root = tmp_path / "package"
    shutil.copytree(backend_models / "sum", root / "model")
    slow = "        end = time.process_time() + 0.2\n        while time.process_time() < end:\n            pass\n"
    asked = "        (_, inputs), = input_dicts.items()\n"
    (root / "web_service.py").write_text("import time\n" + SUM_SERVICE.replace(asked, slow + asked))
    (root / "config.yml").write_text(config("sum"))
    (root / "golden" / "expected").mkdir(parents=True)
    for name, body in (("one.json", ONES), ("two.json", TWOS)):
        (root / "golden" / name).write_text(json.dumps(body))
        (root / "golden" / "expected" / name).write_text(json.dumps({"answer": answered(command, root)[name]}))
    choice = choice_of(command, root, "Auto")
    assert len(choice.trials) == 3
    assert all(0 < trial.milliseconds < 100 for trial in choice.trials)


def answered(command: Command, root: Path) -> dict[str, dict[str, Any]]:
    """What Paddle's own kernels answer to each golden sample."""
    outcome = command("reference", "--model-dir", root, "--output", "reference.json")
    assert outcome.status == 0, outcome.message
    found = read(outcome.folder / "reference.json").answers
    return {name: {key: value.tolist() for key, value in answer.items()} for name, answer in found.items()}


def test_requests_share_runs_of_the_engine_in_the_numbers_of_rows_that_it_has_proved(
    serve: "Callable[..., Serving]", made: Made
) -> None:
    root = made("classes", SAMPLES)
    serving = serve(root, "--workers", "1", "--backend", "OpenVINO", "--batching", "16,0.05").wait_ready()
    report = serving.get("/report").json()
    (proved,) = report["batching"]["proved"]
    # a slow machine proves fewer sizes in its time
    assert (report["verdict"], proved["inputs"], proved["rows"][0]) == ("Recorded", {"x": [4]}, 2)
    assert all("the time for the proof was over" in reason for reason in report["batching"]["notProved"])
    (pid,) = serving.worker_pids()
    assert PLUGIN in Path(f"/proc/{pid}/maps").read_text()

    bodies = [row(number / 7) for number in range(16)]
    alone = [serving.post(body).json()["tensors"] for body in bodies]
    with ThreadPoolExecutor(len(bodies)) as clients:
        together = list(clients.map(serving.post, bodies))
    assert [answer.json()["tensors"] for answer in together] == alone
    batching = serving.get("/report").json()["batching"]
    assert batching["sharedRuns"] >= batching["audits"] > 0
    assert batching["differences"] == 0


def test_the_engine_leaves_its_threads_to_the_kernel(serve: "Callable[..., Serving]", made: Made) -> None:
    """OpenVINO binds the thread that computes to one processor, the same in every worker, where nobody forbids it."""
    every = os.sched_getaffinity(0)
    if len(every) == 1:
        pytest.skip("this process has one processor: a thread cannot be bound to fewer")
    serving = serve(made("classes", SAMPLES), "--workers", "2", "--backend", "OpenVINO").wait_ready()
    assert serving.get("/report").json()["backend"] == "OpenVINO"
    pids = serving.worker_pids()
    seen: set[frozenset[int]] = set()
    with ThreadPoolExecutor(2) as clients:
        asking = [clients.submit(ask_much, serving) for _ in pids]
        while not all(each.done() for each in asking):
            for task in (task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()):
                with suppress(ProcessLookupError):
                    seen.add(frozenset(os.sched_getaffinity(int(task.name))))
    assert [each.result() for each in asking] == [{200}, {200}]
    assert seen == {frozenset(every)}


def ask_much(serving: "Serving") -> set[int]:
    """The status codes of requests that each compute for some milliseconds."""
    rows = np.resize(WIDE, (50_000, 4))
    size = {"binary_data_size": rows.nbytes}
    head = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [*rows.shape], "parameters": size}]}
    text = json.dumps(head).encode()
    headers = {"Inference-Header-Content-Length": str(len(text))}
    url = f"{serving.http}/v2/models/svc/infer"
    return {requests.post(url, text + rows.tobytes(), headers=headers, timeout=60).status_code for _ in range(20)}


def row(value: float) -> dict[str, Any]:
    tensor = {"name": "x", "elem_type": 1, "shape": [1, 4], "float_data": [value, 1.0, -value, 0.5]}
    return {"key": [], "value": [], "tensors": [tensor]}


def test_auto_stays_with_default_where_answers_differ_from_the_recorded_ones_and_says_why(
    made: Made, command: Command
) -> None:
    choice = choice_of(command, made("ties", {"one": {"x": TIES}, "two": {"x": TIES[::-1]}}), "Auto")
    assert choice.backend in ("Default", "NewExecutor")
    (openvino,) = (trial for trial in choice.trials if trial.backend == "OpenVINO")
    assert "two answers can both be right" in openvino.difference
    assert "top_k_v2" in openvino.difference
    assert any(reason.startswith("OpenVINO is not taken: Sample ") for reason in choice.reasons)


def test_auto_without_recorded_answers_is_default_and_says_so(made: Made, command: Command) -> None:
    choice = choice_of(command, made("classes", SAMPLES, recorded=False), "Auto")
    assert (choice.backend, choice.reasons) == (
        "Default",
        ("The backend is Default: Auto compares with recorded answers, and not every golden sample has one.",),
    )


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("refused", "Can't convert paddle model to openvino model"),
        ("double", "it computes float64 (cast_0.tmp_0) with the precision of float32"),
    ],
)
def test_a_model_that_it_cannot_compute_is_served_by_default_and_the_choice_says_why(
    made: Made, command: Command, model: str, reason: str
) -> None:
    dtype = "float64" if model == "double" else "float32"
    samples = {name: {"x": WIDE.astype(dtype).reshape(-1, 2 if model == "double" else 4) * k} for name, k in
               (("one", 1), ("two", 2))}  # fmt: skip
    choice = choice_of(command, made(model, samples), "OpenVINO")
    assert choice.backend == "Default"
    assert reason in choice.reasons[0]


def test_all_are_tried_and_the_answers_of_the_one_that_is_taken_agree(made: Made, command: Command) -> None:
    choice = choice_of(command, made("classes", SAMPLES), "Auto")
    tried = {trial.backend: trial for trial in choice.trials}
    assert tried.keys() == {"Default", "OpenVINO", "NewExecutor"}
    assert all(trial.milliseconds > 0 for trial in tried.values())
    assert [trial.difference or trial.failure for trial in tried.values()] == ["", "", ""]
    assert (tried["Default"].same_bits, tried["NewExecutor"].same_bits) == (True, True)


def test_a_signal_while_the_backends_are_tried_ends_serve(serve: "Callable[..., Serving]", made: Made) -> None:
    serving = serve(made("classes", SAMPLES), "--workers", "1", "--backend", "Auto")
    serving.wait_for(lambda: bool(children(serving.process.pid)), "the process that tries the backends")
    os.kill(serving.process.pid, signal.SIGTERM)
    assert serving.wait_exit() == 0, serving.tail()


def children(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--backend", "TensorRT"), "invalid choice: 'TensorRT'"),
        (("--backend", "Auto", "--engine", "pipeline"), "--backend Auto needs --engine direct"),
    ],
)
def test_a_backend_that_cannot_be_is_a_sentence(
    command: Command, tmp_path: Path, flags: tuple[str, ...], sentence: str
) -> None:
    outcome = command("serve", "--model-dir", tmp_path, "--name", "svc", *flags)
    assert (outcome.status, sentence in outcome.message) == (2, True), outcome.message
