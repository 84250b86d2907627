from pathlib import Path

import numpy as np
import pytest
from fakes import Repository, answer, says

from tipc import __main__ as program

PADDLE = {"class_id": np.array([8]), "prob": np.array([0.99903536])}
INFER = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--model-dir")
parser.add_argument("--img")
arguments = parser.parse_args()
print("loading", arguments.model_dir)
print(f"image_name: {{arguments.img}}, class_id: {class_id}, prob: {prob}")
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    says(monkeypatch, PADDLE)
    return Repository(tmp_path)


def run(repository: Repository) -> int:
    return program.main([str(repository.config), "--timeout", "120"])


def test_without_an_inference_of_the_author_the_row_says_that_it_was_not_asked(repository: Repository) -> None:
    assert run(repository) == 0
    (row,) = repository.rows()
    assert row["author"].startswith("not asked: the repository has no infer.py")
    table = (repository.output / "report_fake.md").read_text()
    assert "not asked" in table
    assert "equal (" not in table


def test_the_authors_inference_is_asked_for_the_clients_input_and_compared(repository: Repository) -> None:
    (repository.root / "infer.py").write_text(INFER.format(class_id=8, prob=0.9990353584289551))
    assert run(repository) == 0
    (row,) = repository.rows()
    assert (row["author"], row["consistent"]) == ("equal (class_id, prob)", "yes")
    assert "image_name: cat, class_id: 8" in next(repository.output.rglob("author.log")).read_text()


@pytest.mark.parametrize(("class_id", "prob"), [(8, 0.99904), (9, 0.9990353584289551)])
def test_a_service_that_answers_otherwise_than_its_author_fails(
    repository: Repository, class_id: int, prob: float
) -> None:
    (repository.root / "infer.py").write_text(INFER.format(class_id=class_id, prob=prob))
    assert run(repository) == 1
    (row,) = repository.rows()
    assert (row["author"], row["consistent"]) == ("differs", "no")
    assert "the author's inference" in row["why"]


def test_a_difference_that_the_configuration_allows_the_author_is_told(repository: Repository) -> None:
    (repository.root / "infer.py").write_text(INFER.format(class_id=8, prob=0.9990363))
    with repository.config.open("a") as config:
        config.write("author_tolerance:1e-5|0\n")
    assert run(repository) == 0
    (row,) = repository.rows()
    assert (row["author"], row["consistent"]) == ("equal within 9.4e-07 (class_id, prob)", "yes")
    assert row["max_absolute_error"] == 0, "the service and Paddle Inference are equal all the same"


def test_an_inference_of_the_author_that_fails_is_no_agreement(repository: Repository) -> None:
    (repository.root / "infer.py").write_text(INFER.format(class_id=8, prob=1) + "raise SystemExit('no such image')\n")
    assert run(repository) == 1
    (row,) = repository.rows()
    assert (row["author"], row["status"], row["served"]) == ("failed", "failed", "class_id [8], prob [0.99903536]")
    assert "infer.py --model-dir=./inference --img=cat: status 1: no such image" in row["why"]


def test_an_inference_of_the_author_that_does_not_even_start_is_no_agreement(repository: Repository) -> None:
    (repository.root / "infer.py").write_text("import no_such_module\n")
    assert run(repository) == 1
    (row,) = repository.rows()
    assert row["author"] == "failed"
    assert "ModuleNotFoundError: No module named 'no_such_module'" in row["why"]


def test_the_author_is_asked_with_the_interpreter_at_hand(repository: Repository) -> None:
    (repository.root / "infer.py").write_text(INFER.format(class_id=9, prob=1))
    repository.write_line(3, "python:cpp|python3.99")
    assert run(repository) == 1
    assert [row["author"] for row in repository.rows()] == ["differs"]


def test_a_command_that_cannot_be_read_is_refused_before_anything_starts(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository.root / "fake.answers").write_bytes(b"command:\xff\n")
    assert run(repository) == 2
    assert "fake.answers:1: not UTF-8 text" in capsys.readouterr().err
    assert not repository.output.joinpath("results_serving.log").exists()


def test_a_service_that_loads_another_model_than_the_converted_one_fails(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, PADDLE, loads="old_server")
    assert run(repository) == 1
    (row,) = repository.rows()
    assert (
        "the service loads its model from old_server below ./deploy/serving, not from ./deploy/serving/server"
        in row["why"]
    )


def test_a_conversion_that_writes_into_the_original_model_fails(repository: Repository) -> None:
    converter = repository.root / "fake_convert.py"
    converter.write_text(converter.read_text() + "pathlib.Path('inference/inference.pdiparams').write_text('other')\n")
    assert run(repository) == 1
    (row,) = repository.rows()
    assert row["consistent"] == "not compared"
    assert "Run failed with command" in "".join(repository.status_lines())


@pytest.mark.parametrize(
    ("client_prints", "outcome"),
    [("{}", "equal"), ("nothing", "not compared: the client printed no response that could be recognised")],
)
def test_a_row_says_whether_the_clients_own_output_was_compared(
    repository: Repository, client_prints: str, outcome: str
) -> None:
    if client_prints == "nothing":
        repository.behave(answer=answer(), printed="done")
    assert run(repository) == 0
    (row,) = repository.rows()
    assert row["printed"] == outcome


def test_an_output_that_the_author_does_not_print_is_named(repository: Repository) -> None:
    (repository.root / "infer.py").write_text(INFER.format(class_id=8, prob=1).replace(", prob:", ", probs:"))
    assert run(repository) == 0
    (row,) = repository.rows()
    assert row["author"] == "equal (class_id); not printed by it: prob"


def test_a_conversion_that_changes_the_model_fails(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, PADDLE, unconverted={"class_id": np.array([3]), "prob": np.array([0.5])})
    assert run(repository) == 1
    (row,) = repository.rows()
    assert row["consistent"] == "no"
    assert "the model before its conversion" in row["why"]


def test_a_row_has_both_values_types_and_the_largest_errors(repository: Repository) -> None:
    assert run(repository) == 0
    (row,) = repository.rows()
    assert (row["served"], row["reference"]) == ("class_id [8], prob [0.99903536]",) * 2
    assert row["types"] == "class_id int64, prob float64"
    assert (row["max_absolute_error"], row["max_relative_error"]) == (0, 0)
