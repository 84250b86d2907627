import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paddle_serving_runtime.package.golden import tensors_request
from paddle_serving_runtime.reference import read

Service = Callable[..., Path]
Compute = Callable[..., "Computed"]


class Computed:
    """What the `reference` command left: its outcome and its answers."""

    def __init__(self, outcome: Any) -> None:  # noqa: ANN401 - conftest is not importable
        self.status: int = outcome.status
        self.message: str = outcome.message
        self.stdout: str = outcome.stdout
        self.output: Path = outcome.folder / "reference.json"
        assert self.status == 0 or outcome.stderr.splitlines()[-1] == self.message.strip(), outcome.stderr

    def values(self) -> dict[str, dict[str, Any]]:
        assert self.status == 0, self.message
        return {
            sample: {name: array.tolist() for name, array in answer.items()}
            for sample, answer in read(self.output).answers.items()
        }


@pytest.fixture
def compute(command: Callable[..., Any]) -> Compute:
    def run(root: Path, *words: str) -> Computed:
        return Computed(command("reference", "--model-dir", root, "--output", "reference.json", *words))

    return run


def request(x: str) -> bytes:
    return json.dumps({"key": ["x"], "value": [x]}).encode()


ZEROS, ONES = ",".join("0" * 13), ",".join("1" * 13)


def test_a_service_answers_with_its_own_ops_and_paddle_inference(
    service: Service, compute: Compute, price_request: bytes
) -> None:
    root = service(**{"golden/a.json": price_request, "golden/b.json": request(ZEROS)})
    outcome = compute(root, "--threads-per-worker", "2")
    answers = outcome.values()
    assert list(answers) == ["a.json", "b.json"]
    assert answers["a.json"]["price"] == [[pytest.approx(18.901152, rel=1e-6)]]
    assert answers["b.json"]["price"] != answers["a.json"]["price"]
    reference = read(outcome.output)
    assert (reference.paddle_version, reference.device) == ("3.3.1", "cpu")
    assert reference.switches["uci"]["threads"] == 2
    assert [path.name for path in outcome.output.parent.iterdir() if path.name.startswith(".")] == []


def test_what_the_service_prints_is_not_on_stdout(service: Service, compute: Compute, price_service: str) -> None:
    script = price_service.replace("        values =", "        print('noise')\n        values =")
    outcome = compute(service(web_service=script, **{"golden/a.json": request(ONES)}))
    assert outcome.status == 0
    assert "noise" not in outcome.stdout


@pytest.mark.parametrize("name", ["program", "pir"])
def test_a_plain_model_answers_tensors_bit_for_bit_as_paddle_does(
    exported_models: Path, tmp_path: Path, compute: Compute, name: str
) -> None:
    root = tmp_path / "plain"
    (root / "golden").mkdir(parents=True)
    for path in (exported_models / name).iterdir():
        (root / path.name).write_bytes(path.read_bytes())
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    np.savez(root / "golden" / "array.npz", x=x)
    (root / "golden" / "body.json").write_bytes(tensors_request({"x": x}))
    (root / "golden" / "text.json").write_bytes(request(f"[{','.join(map(repr, x.ravel().tolist()))}]"))
    outcome = compute(root, "--onednn", "false")
    assert outcome.status == 0, outcome.message
    answers = read(outcome.output).answers
    wanted = plain_paddle(root, x)
    for sample in ("array.npz", "body.json", "text.json"):
        assert {key: (v.dtype.name, v.shape, v.tobytes()) for key, v in answers[sample].items()} == wanted


def test_integers_as_text_are_read_as_integers_and_nothing_is_rounded_to_fit(
    exported_models: Path, tmp_path: Path, compute: Compute
) -> None:
    root = tmp_path / "plain"
    (root / "golden").mkdir(parents=True)
    for path in (exported_models / "types").iterdir():
        (root / path.name).write_bytes(path.read_bytes())
    texts = {"a": "9007199254740993,-4611686018427387903", "b": "0.1,2", "c": "1,0"}
    sample = root / "golden" / "a.json"
    sample.write_text(json.dumps({"key": list(texts), "value": list(texts.values())}))
    _, twice = compute(root).values()["a.json"].values()
    assert twice == [[2**54 + 2, -(2**63) + 2]]
    tensors = [
        {"name": "a", "elem_type": 0, "shape": [1, 2], "int64_data": [1, 2]},
        {"name": "b", "elem_type": 1, "shape": [1, 2], "float_data": [3.4028235e38, 1]},
        {"name": "c", "elem_type": 9, "shape": [1, 2], "bool_data": [True, False]},
    ]
    sample.write_text(json.dumps({"tensors": tensors}))
    assert compute(root).status == 0
    for name, text in (("a", "9223372036854775808,1"), ("a", "1.5,1"), ("b", "1e39,2"), ("c", "2,0")):
        sample.write_text(json.dumps({"key": list(texts), "value": list({**texts, name: text}.values())}))
        outcome = compute(root)
        assert outcome.status == 4
        assert "golden sample a.json has no answer: " in outcome.message


def plain_paddle(root: Path, x: np.ndarray) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """The same by the shortest script there is, in a process of its own."""
    code = """
import glob, pickle, sys
import numpy as np
from paddle import inference
(params,) = glob.glob(sys.argv[1] + "/*.pdiparams")
(program,) = [p for p in glob.glob(sys.argv[1] + "/inference.*") if p != params]
config = inference.Config(program, params)
config.disable_glog_info()
config.disable_mkldnn()
config.set_cpu_math_library_num_threads(1)
predictor = inference.create_predictor(config)
predictor.get_input_handle("x").copy_from_cpu(np.load(sys.argv[1] + "/golden/array.npz")["x"])
predictor.run()
names = predictor.get_output_names()
values = [predictor.get_output_handle(name).copy_to_cpu() for name in names]
sys.stdout.buffer.write(pickle.dumps({n: (v.dtype.name, v.shape, v.tobytes()) for n, v in zip(names, values)}))
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(root)], capture_output=True, check=True)

    found: dict[str, tuple[str, tuple[int, ...], bytes]] = pickle.loads(done.stdout)  # noqa: S301 - as above
    assert x.size == 12
    return found


def test_the_command_starts_in_a_fresh_interpreter(service: Service, tmp_path: Path) -> None:
    words = ("--model-dir", service(**{"golden/a.json": request(ZEROS)}), "--output", tmp_path / "r.json")
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "paddle_serving_runtime.cli.main", "reference", *map(str, words)],
        check=True,
        env={},
        timeout=300,
    )
    assert list(read(tmp_path / "r.json").answers) == ["a.json"]


STATEFUL = """
        self.count = getattr(self, "count", 0) + 1
        return {"price": str(self.count)}, None, ""
"""


def test_samples_are_computed_in_another_order_than_they_are_served(
    service: Service, compute: Compute, price_service: str
) -> None:
    script = price_service.replace('return {"price": str(fetch_dict["price"].tolist())}, None, ""', STATEFUL.strip())
    root = service(web_service=script, **{f"golden/{name}.json": request(ONES) for name in "abc"})
    assert compute(root).values() == {"a.json": {"price": 3}, "b.json": {"price": 2}, "c.json": {"price": 1}}


def test_arrays_are_packed_as_paddle_serving_packs_them(service: Service, compute: Compute, price_service: str) -> None:
    script = price_service.replace('str(fetch_dict["price"].tolist())', 'fetch_dict["price"]')
    answer = compute(service(web_service=script, **{"golden/a.json": request(ZEROS)})).values()["a.json"]
    assert list(answer) == ["price"]
    assert np.shape(answer["price"]) == (1, 1)


def test_old_postprocess_functions_and_mini_batches_work(
    service: Service, compute: Compute, price_service: str
) -> None:
    script = price_service.replace("fetch_dict, data_id, log_id", "fetch_dict, log_id")
    script = script.replace('return {"x": np.array(values).reshape(1, 13)}', 'return [{"x": np.array([values])}] * 3')
    script = script.replace('str(fetch_dict["price"].tolist())', "str([one['price'].tolist() for one in fetch_dict])")
    answer = compute(service(web_service=script, **{"golden/a.json": request(ZEROS)})).values()["a.json"]
    assert np.shape(answer["price"]) == (3, 1, 1)


DEFECTS = {
    "an exception": (
        "return {",
        "return 1 / 0 or {",
        "golden sample a.json has no answer: web_service.py:13: ZeroDivisionError: division by zero",
    ),
    "a product error": (
        'reshape(1, 13)}, False, None, ""',
        'reshape(1, 13)}, False, 55, "too dark"',
        "golden sample a.json has no answer: Op uci answers with error 55 (too dark)",
    ),
    "a number as value": (
        'str(fetch_dict["price"].tolist())',
        "1",
        "golden sample a.json has no answer: the response has err_no 7000",
    ),
    "a wrong init_op": (
        'self.separator = ","',
        "self.separator = nothing",
        "web_service.py:8: NameError: name 'nothing' is not defined, while the Ops were initialised",
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_service_that_fails_on_its_own_sample_is_broken(
    service: Service, compute: Compute, price_service: str, defect: str
) -> None:
    old, new, message = DEFECTS[defect]
    assert old in price_service
    script = price_service.replace(old, new, 1)
    outcome = compute(service(web_service=script, **{"golden/a.json": request(ONES)}))
    assert outcome.status == 4
    assert outcome.message.startswith(f"ServiceBroken: {message}")
    assert not outcome.output.exists()


def test_a_package_without_samples_cannot_be_verified(service: Service, compute: Compute) -> None:
    outcome = compute(service())
    assert outcome.status == 1
    assert outcome.message.startswith("NotVerifiable: ")


def test_a_sample_that_is_no_request_is_named(service: Service, compute: Compute) -> None:
    outcome = compute(service(**{"golden/a.json": '{"key": 5}'}))
    assert outcome.status == 4
    assert outcome.message.startswith("ServiceBroken: golden sample a.json has no answer: ParseError")


def test_the_only_sample_of_a_package_gets_a_second_one_with_an_answer_of_its_own(
    service: Service, compute: Compute, price_request: bytes
) -> None:
    alone = compute(service(**{"golden/a.json": price_request}))
    reference = read(alone.output)
    assert reference.derived is not None
    assert reference.derived.name == "a.json (numbers reversed)"
    values = [json.loads(body)["value"][0].split(",") for body in (price_request, reference.derived.body)]
    assert values[0] == values[1][::-1]
    first, second = (reference.answers[name]["price"] for name in ("a.json", reference.derived.name))
    assert first != second
    copies = compute(service(**{"golden/a.json": price_request, "golden/b.json": price_request}))
    assert list(read(copies.output).answers) == ["a.json", "b.json", "a.json (numbers reversed)"]
    different = compute(service(**{"golden/a.json": price_request, "golden/b.json": request(ZEROS)}))
    assert read(different.output).derived is None


def test_a_request_that_the_service_refuses_is_no_second_sample(
    service: Service, compute: Compute, price_request: bytes, price_service: str
) -> None:
    picky = price_service.replace(
        "        values =", "        assert input_dict['x'].startswith('0.0137')\n        values ="
    )
    outcome = compute(service(web_service=picky, **{"golden/a.json": price_request}))
    assert outcome.status == 0, outcome.message
    assert read(outcome.output).derived is None


def test_a_plain_model_of_any_batch_is_asked_for_one_row_more(
    exported_models: Path, tmp_path: Path, compute: Compute
) -> None:
    root = tmp_path / "plain"
    (root / "golden").mkdir(parents=True)
    for path in (exported_models / "program").iterdir():
        (root / path.name).write_bytes(path.read_bytes())
    np.savez(root / "golden" / "array.npz", x=np.linspace(-1, 1, 4, dtype=np.float32).reshape(1, 4))
    reference = read(compute(root).output)
    assert reference.derived is not None
    assert reference.derived.name == "array.npz (first row repeated)"
    one, two = (reference.answers[name] for name in ("array.npz", reference.derived.name))
    for name, rows in two.items():
        np.testing.assert_array_equal(rows[:1], one[name])
        assert rows.shape[0] == 2
