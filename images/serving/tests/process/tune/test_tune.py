"""`tune` on a real model, as a user starts it; one CPU, so that it loads the model once."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

SECONDS = 300
"""The most: what is measured for a part of them ends sooner."""

HOUSES = np.linspace(-1, 1, 26, dtype=np.float32).reshape(2, 13)

Tune = Callable[..., Any]


@pytest.fixture
def tune(tmp_path: Path, uci_model: Path, command: Tune) -> Tune:
    root = tmp_path / "package"
    shutil.copytree(uci_model, root / "model", ignore=shutil.ignore_patterns("*.py"))
    (root / "golden" / "expected").mkdir(parents=True)
    for name, house in zip("ab", HOUSES, strict=True):
        np.savez(root / "golden" / f"{name}.npz", x=house.reshape(1, 13))

    def run(*flags: object, recorded: float | None = None) -> Any:  # noqa: ANN401 - of the fixture
        if recorded is not None:
            np.savez(root / "golden" / "expected" / "a.npz", price=np.array([[recorded]], np.float32))
        return command("tune", root, "--seconds", SECONDS, "--cpus", 1, "--backends", "Default", *flags)

    return run


def test_it_times_runs_of_one_and_shared_runs_and_says_what_to_paste(tune: Tune) -> None:
    outcome = tune("--output", "json")
    assert outcome.status == 0, outcome.message + outcome.stderr
    found = json.loads(outcome.stdout)
    alone, shared = sorted(found["rows"], key=lambda row: row["requestsOfARun"])
    assert (alone["requestsOfARun"], alone["batching"], alone["answers"]) == (1, False, "same bits")
    # a slow machine proves fewer than 16 in its time
    assert (shared["requestsOfARun"] in {2, 4, 8, 16}, shared["batching"], shared["answers"]) == (
        True,
        True,
        "same bits",
    )
    assert all(row["requestsPerSecond"] > 0 and row["workerMiB"] > 50 for row in found["rows"])
    assert (found["samples"], found["cpus"], found["best"] in found["rows"]) == (2, 1, True)
    pasted = yaml.safe_load(found["yaml"])
    assert pasted["engine"]["batching"]["mode"] == ("Auto" if found["best"]["batching"] else "Off")
    assert pasted["resources"]["limits"]["cpu"] == "1"
    with Image.open(found["plot"]) as picture:
        assert (picture.format, found["plot"]) == ("PNG", str(outcome.folder / "tune.png"))
    assert f"s of {SECONDS}] Default, 1 thread: loading" in outcome.stderr


def test_a_package_whose_recorded_answers_are_others_gets_a_table_and_no_advice(tune: Tune) -> None:
    outcome = tune(recorded=1.0)
    assert outcome.status == 3
    assert outcome.message.startswith("NotConsistent: No setting answers as recorded. ")
    assert "a.npz, tensor price" in outcome.message
    assert outcome.stdout.splitlines()[1].endswith("differs")
    assert "engine:" not in outcome.stdout
