from pathlib import Path

import numpy as np
import pytest

from paddle_serving_runtime.consistency import EXACT, Answer, Tolerance
from tipc import author, config, original
from tipc.answers import AnswerError
from tipc.config import Config, ConfigError
from tipc.original import AuthorsAnswers, against_author

UPSTREAM_HELP = "usage: infer.py [-h] [--use-gpu USE_GPU] [--model-dir MODEL_DIR] [--img-path IMG_PATH]"
LINE = "image_name: ./images/demo.jpg, class_id: 8, prob: 0.9990353584289551"
SERVED: Answer = {"class_id": np.array([8]), "prob": np.array([0.99903536])}


@pytest.fixture
def alexnet_config(alexnet: str, tmp_path: Path) -> Config:
    path = tmp_path / "test_tipc/configs/AlexNet/c.txt"
    path.parent.mkdir(parents=True)
    path.write_text(alexnet)
    (tmp_path / "deploy/serving").mkdir(parents=True)
    (tmp_path / "images").mkdir()
    (tmp_path / "images/demo.jpg").touch()
    return config.read(path)


@pytest.mark.parametrize("place", ["infer.py", "deploy/inference_python/infer.py", "deploy/serving/infer.py"])
def test_the_authors_script_is_found_where_repositories_have_it(
    alexnet_config: Config, tmp_path: Path, place: str
) -> None:
    assert author.find(tmp_path, alexnet_config) is None
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).touch()
    found = author.find(tmp_path, alexnet_config)
    assert isinstance(found, author.Script)
    assert (tmp_path / found.path).samefile(tmp_path / place)


def test_a_command_beside_the_configuration_wins_over_a_script(alexnet_config: Config, tmp_path: Path) -> None:
    (tmp_path / "infer.py").touch()
    file = alexnet_config.path.with_name("AlexNet.answers")
    file.write_text("# what the author runs\n\ncommand:python3 tools/predict.py --image './a b.jpg'\n")
    assert author.find(tmp_path, alexnet_config) == author.Command(
        ("python3", "tools/predict.py", "--image", "./a b.jpg")
    )


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", ":1: has 0 lines"),
        ("command:\n", ":1: 'command:'"),
        ("command:a\ncommand:b\n", ":1: has 2 lines"),
        ("#\nrun:x\n", ":2: 'run:x'"),
        ("command:python3 'a.py\n", ':1: command: "python3 \'a.py": No closing quotation'),
    ],
)
def test_an_answers_file_without_one_command_is_refused(
    alexnet_config: Config, tmp_path: Path, text: str, where: str
) -> None:
    alexnet_config.path.with_name("AlexNet.answers").write_text(text)
    with pytest.raises(ConfigError, match=r"AlexNet\.answers") as refused:
        author.find(tmp_path, alexnet_config)
    assert where in str(refused.value)


def test_a_script_gets_the_original_model_and_the_clients_input(alexnet_config: Config, tmp_path: Path) -> None:
    want = ["--model-dir=./alexnet_infer/", "--img-path=images/demo.jpg"]
    assert author.arguments(UPSTREAM_HELP, alexnet_config, tmp_path) == want
    underscores = UPSTREAM_HELP.replace("--model-dir", "--model_dir").replace("--img-path", "--img_path")
    assert author.arguments(underscores, alexnet_config, tmp_path) == [
        word.replace("-", "_").replace("__", "--") for word in want
    ]


@pytest.mark.parametrize(
    ("gone", "said"), [("--model-dir", "knows none of --model-dir"), ("--img-path", "does not know --img-path")]
)
def test_a_script_without_such_options_is_not_asked(
    alexnet_config: Config, tmp_path: Path, gone: str, said: str
) -> None:
    with pytest.raises(AnswerError, match=said):
        author.arguments(UPSTREAM_HELP.replace(gone, "--other"), alexnet_config, tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        '{"class_id": 8, "prob": 0.9990353584289551}',
        "{'class_id': [8], 'prob': [0.99903536], 'seconds': 0.2}",
        "class_id: [8], prob: [0.99903536]",
    ],
)
def test_the_authors_number_is_the_services_number_however_each_prints_it(line: str) -> None:
    said = AuthorsAnswers("python3 infer.py", f"loading\nINFO: model: done\n{line}\n")
    found = against_author(said, {"the service": [SERVED]}, EXACT)
    assert {(item.tensor, item.equal) for item in found} == {("class_id", True), ("prob", True)}


@pytest.mark.parametrize(
    ("line", "tensor"),
    [
        (LINE.replace("0.99903535", "0.99903541"), "prob"),
        (LINE.replace("class_id: 8", "class_id: 9"), "class_id"),
        ("class_id: 0.9990353584289551, prob: 8", "class_id"),
        ("prob: 0.99904", "prob"),
    ],
)
def test_another_number_differs(line: str, tensor: str) -> None:
    found = against_author(AuthorsAnswers("infer", line), {"the service": [SERVED]}, EXACT)
    assert tensor in {item.tensor for item in found if not item.equal}


def test_a_tolerance_holds_for_the_author_too() -> None:
    said = AuthorsAnswers("infer", "prob: 0.99904")
    assert all(item.equal for item in against_author(said, {"the service": [SERVED]}, Tolerance(1e-4, 0)))


def test_too_few_lines_are_no_agreement() -> None:
    for log in ("", "nothing: here\n"):
        with pytest.raises(AnswerError, match="printed no line with any of class_id, prob"):
            against_author(AuthorsAnswers("infer", log), {"the service": [SERVED]}, EXACT)
    twice = against_author(AuthorsAnswers("infer", f"{LINE}\n{LINE}\n"), {"the service": [SERVED]}, EXACT)
    assert {item.equal for item in twice} == {False}


def test_lines_and_requests_may_be_divided_otherwise() -> None:
    two = {"class_id": np.array([8, 3]), "prob": np.array([0.99903536, 0.5])}
    lines = [f"{LINE}\nclass_id: 3, prob: 0.5\n", "class_id: [8, 3]\nprob: [0.99903536, 0.5]\n"]
    for log in lines:
        assert {item.equal for item in against_author(AuthorsAnswers("infer", log), {"s": [two]}, EXACT)} == {True}
    other = lines[0].replace("class_id: 3", "class_id: 4")
    assert not all(item.equal for item in against_author(AuthorsAnswers("infer", other), {"s": [two]}, EXACT))


def test_a_repository_without_one_says_so(alexnet_config: Config, tmp_path: Path) -> None:
    said = original.Original(tmp_path, alexnet_config, tmp_path / "work", 10).authors()
    assert said.why == ("the repository has no infer.py, no deploy/inference_python/infer.py, and no <model>.answers")


def test_a_tolerance_that_lets_anything_of_the_authors_pass_proves_nothing() -> None:
    said = AuthorsAnswers("infer", "class_id: 8, prob: 0.1")
    with pytest.raises(AnswerError, match=r"author_tolerance: .* proves nothing about the output prob"):
        against_author(said, {"the service": [SERVED]}, Tolerance(0, 1e9))
