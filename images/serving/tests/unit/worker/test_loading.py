"""What a worker makes of a package, with real models."""

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from images.serving.tests.unit.link.test_options import OPTIONS
from paddle_serving_runtime.engine import DirectEngine
from paddle_serving_runtime.errors import InvalidOption, ModelInvalid
from paddle_serving_runtime.link import ledger
from paddle_serving_runtime.paddle_model.batching import OFF, Batching
from paddle_serving_runtime.protocol import BadRequest, Response
from paddle_serving_runtime.protocol.call import SERVICE, Call, Result
from paddle_serving_runtime.worker.loading import Loaded, load_engine

ROWS, NONE = np.ones((2, 2), np.float32), np.ones((0, 2), np.float32)


def load(package: Path, batching: Batching = OFF, warmup: tuple[str, ...] = ()) -> Loaded:
    computing = dataclasses.replace(OPTIONS.computing, overrides=(), onednn=True, script="", backend="Default")
    shared = package.parent / "ledger"
    ledger.create(shared)
    options = dataclasses.replace(OPTIONS, model_dir=str(package), computing=computing)
    return load_engine(dataclasses.replace(options, batching=batching, ledger=str(shared), warmup=warmup))


def package_of(model: Path, root: Path, **golden: np.ndarray) -> Path:
    shutil.copytree(model, root / "model")
    (root / "golden").mkdir()
    np.savez(root / "golden/a.npz", allow_pickle=False, **golden)
    return root


def ask(loaded: Loaded, inputs: Mapping[str, np.ndarray]) -> Response | Exception:
    results: list[Result] = []
    loaded.engine.submit(Call(SERVICE, inputs), results.append)
    return results[0].outcome


def test_a_plain_model_takes_the_inputs_without_rows_that_its_golden_samples_have(
    special_models: Path, tmp_path: Path
) -> None:
    loaded = load(package_of(special_models / "rows", tmp_path, x=ROWS, y=NONE))
    for y in (NONE, ROWS):
        answer = ask(loaded, {"x": ROWS, "y": y})
        assert isinstance(answer, Response)
        assert [tensor.shape for tensor in answer.tensors.values()] == [(2 + len(y), 2)]
    refused = ask(loaded, {"x": NONE, "y": ROWS})
    assert isinstance(refused, BadRequest)
    assert "input x has shape [0, 2], which holds nothing" in refused.message


def test_what_the_owner_of_a_model_should_know_is_in_the_report(special_models: Path, tmp_path: Path) -> None:
    (tmp_path / "lost").mkdir()
    first, second = load(package_of(special_models / "lost", tmp_path / "lost", x=ROWS)).report["warnings"]
    assert "the output 'x' is the input 'x' itself; nothing computes it" in first
    assert " is the parameter " in second
    (tmp_path / "up").mkdir()
    (one,) = load(package_of(special_models / "up_nearest", tmp_path / "up", x=ROWS)).report["warnings"]
    assert "inference.json runs without oneDNN" in one


def test_whatever_goes_wrong_while_a_model_loads_is_its_end_with_paddles_own_sentence(
    uci_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("In user code:\n  File 'net.py'\n  NotFoundError: no kernel for it (at x.cc:1)")

    monkeypatch.setattr(DirectEngine, "__init__", fail)
    with pytest.raises(ModelInvalid, match=r"cannot be loaded: KeyError: .*NotFoundError: no kernel for it"):
        load(package_of(uci_model, tmp_path, x=ROWS))


def test_a_model_proves_before_it_serves_how_many_rows_share_a_run(uci_model: Path, tmp_path: Path) -> None:
    house = np.linspace(0, 1, 13, dtype=np.float32).reshape(1, 13)
    loaded = load(package_of(uci_model, tmp_path, x=house), Batching(6, 0.0))
    assert loaded.report["capacity"] == 6
    assert loaded.report["batching"] == {
        "maxRows": 6,
        "proved": [{"inputs": {"x": [13]}, "rows": [2, 4, 6]}],
        "notProved": [],
    }
    assert loaded.report["models"][0]["batchSize"] == 1


def test_named_shapes_are_computed_before_it_serves_with_the_proved_numbers_of_rows(
    uci_model: Path, tmp_path: Path
) -> None:
    house = np.linspace(0, 1, 13, dtype=np.float32).reshape(1, 13)
    package = package_of(uci_model, tmp_path, x=house)
    report = load(package, Batching(4, 0.0), ("x=1x13", "x=3x13")).report
    # a slow machine proves fewer sizes in its time
    proved = sum(len(shape["rows"]) for shape in report["batching"]["proved"])
    assert (report["warmup"]["shapes"], report["warmup"]["sharedSizes"]) == (2, proved)
    assert load(package).report["warmup"] is None
    with pytest.raises(InvalidOption, match=r"--warmup x=1x99 .*\[1, 99\], but the model's is \[-1, 13\]"):
        load(package, warmup=("x=1x99",))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("over_batch", "get other bits than alone"),
        ("from_mean", "get other bits than alone"),
        ("turned", "has no free batch dimension"),
        ("rows", "the first axis of an output is not the batch"),
    ],
)
def test_a_model_whose_rows_are_not_independent_computes_each_request_alone(
    special_models: Path, tmp_path: Path, model: str, words: str
) -> None:
    golden = {"x": np.array([[1, 2]], np.float32), **({"y": ROWS[:1]} if model == "rows" else {})}
    report = load(package_of(special_models / model, tmp_path, **golden), Batching(4, 0.0)).report
    assert (report["capacity"], report["batching"]["maxRows"], report["batching"]["proved"]) == (1, 1, [])
    assert words in report["batching"]["notProved"][0]


def test_a_worker_whose_predecessor_ended_in_its_proof_proves_nothing(uci_model: Path, tmp_path: Path) -> None:
    house = np.linspace(0, 1, 13, dtype=np.float32).reshape(1, 13)
    package = package_of(uci_model, tmp_path, x=house)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DirectEngine, "prove", ended)
        with pytest.raises(KeyboardInterrupt):
            load(package, Batching(4, 0.0))
    assert ledger.is_proving(tmp_path.parent / "ledger", OPTIONS.index)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ledger, "create", Path.exists)  # it outlives the workers
        loaded = load(package, Batching(4, 0.0))
    assert (loaded.report["capacity"], loaded.report["batching"]["maxRows"]) == (1, 1)
    assert "ended while it computed several rows" in loaded.report["batching"]["notProved"][0]


def ended(*_: object) -> None:
    """As a process that Paddle ends: nothing after it happens."""
    raise KeyboardInterrupt


def test_a_model_without_golden_samples_has_proved_nothing(uci_model: Path, tmp_path: Path) -> None:
    shutil.copytree(uci_model, tmp_path / "model")
    report = load(tmp_path, Batching(4, 0.0)).report
    assert report["batching"] == {"maxRows": 1, "proved": [], "notProved": ["it has no golden samples"]}
