"""Services in every way to run them, and what Paddle Inference alone computes for the same requests."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from typing_extensions import override

from images.serving.tests.process.equality.services import CHAIN, config
from images.serving.tests.process.serve.conftest import Serving, start_serving

Arrays = dict[str, np.ndarray]
RAW = Path(__file__).with_name("raw_inference.py")
ALEXNET = Path(__file__).with_name("export_small_alexnet.py")
MODELS = ("price", "second", "conv", "flags", "half")
REQUESTS = 3


@dataclass(frozen=True)
class Way:
    """A way to run the service."""

    engine: str
    workers: int
    batching: bool

    @override
    def __str__(self) -> str:
        return f"{self.engine}-{self.workers}-{'batching' if self.batching else 'single'}"


WAYS = tuple(Way(*way) for way in product(("direct", "pipeline"), (1, 2), (False, True)))


Requests = Mapping[str, Arrays]


def raw_inference(asked: Mapping[Path, Requests], folder: Path) -> list[dict[str, Arrays]]:
    """For every model the outputs by request, computed by Paddle Inference in a process of its own."""
    words: list[str] = []
    for number, (model, requests) in enumerate(asked.items()):
        flat = {f"{request}/{name}": array for request, feed in requests.items() for name, array in feed.items()}
        np.savez(folder / f"{number}-in.npz", **flat)  # type: ignore[arg-type]
        words += [str(model), str(folder / f"{number}-in.npz"), str(folder / f"{number}-out.npz")]
    subprocess.run([sys.executable, "-W", "ignore", str(RAW), *words], check=True)
    return [_outputs(folder / f"{number}-out.npz") for number in range(len(asked))]


def _outputs(path: Path) -> dict[str, Arrays]:
    computed: dict[str, Arrays] = {}
    with np.load(path) as arrays:
        for key in arrays:
            request, _, name = key.partition("/")
            computed.setdefault(request, {})[name] = arrays[key]
    return computed


def feeds(number: int) -> dict[str, Arrays]:
    """The tensors of one request by model; `second` is fed by price."""
    random, rows = np.random.default_rng(number), number + 1
    return {
        "price": {"x": random.normal(size=(rows, 13)).astype("float32")},
        "conv": {"x": random.normal(size=(rows, 3, 32, 32)).astype("float32")},
        "flags": {
            "a": random.integers(-(2**62), 2**62, (rows, 2)),
            "b": random.normal(size=(rows, 2)).astype("float32"),
            "c": random.integers(0, 2, (rows, 2)).astype(bool),
        },
        "half": {
            "x": random.normal(size=(rows, 2)).astype("float16"),
            "w": random.normal(size=(rows, 2)).astype("float32"),
        },
    }


def request_tensors(number: int) -> Arrays:
    """All tensors of one request of the chain, by their names in it."""
    return {f"{model}.{name}": array for model, feed in feeds(number).items() for name, array in feed.items()}


@pytest.fixture(scope="session")
def model_folders(
    exported_models: Path, typed_models: Path, uci_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    alexnet = tmp_path_factory.mktemp("alexnet")
    subprocess.run([sys.executable, "-W", "ignore", str(ALEXNET), str(alexnet)], check=True)
    return {
        "price": uci_model,
        "second": exported_models / "program",
        "conv": alexnet,
        "flags": exported_models / "types",
        "half": typed_models / "program" / "float16",
    }


@pytest.fixture(scope="session")
def expected(
    model_folders: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Arrays], ...]:
    """For every request the outputs by model, from Paddle Inference alone."""
    fed = [model for model in MODELS if model != "second"]
    asked = {model_folders[model]: {str(number): feeds(number)[model] for number in range(REQUESTS)} for model in fed}
    computed = dict(zip(fed, raw_inference(asked, tmp_path_factory.mktemp("raw")), strict=True))
    scale = np.array([1, 0.1, -0.1, 0.01], "float32")
    prices = {number: next(iter(arrays.values())) for number, arrays in computed["price"].items()}
    given = {number: {"x": np.tile(price, (1, 4)) * scale} for number, price in prices.items()}
    (computed["second"],) = raw_inference({model_folders["second"]: given}, tmp_path_factory.mktemp("raw"))
    return tuple({model: computed[model][str(number)] for model in MODELS} for number in range(REQUESTS))


@pytest.fixture(scope="module", params=WAYS, ids=str)
def way(request: pytest.FixtureRequest) -> Way:
    assert isinstance(request.param, Way)
    return request.param


@pytest.fixture(scope="module")
def chain(way: Way, model_folders: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The chain of five models, run in one way."""
    package = tmp_path_factory.mktemp("chain")
    for name, folder in model_folders.items():
        shutil.copytree(folder, package / name, ignore=shutil.ignore_patterns("*.py"))
    (package / "web_service.py").write_text(CHAIN)
    (package / "config.yml").write_text(config(MODELS, batching=way.batching))
    flags = ("--workers", str(way.workers), "--engine", way.engine, "--consistency-required", "false")
    serving = start_serving(tmp_path_factory.mktemp("serve"), package, *flags)
    try:
        yield serving.wait_ready()
    finally:
        serving.kill()
