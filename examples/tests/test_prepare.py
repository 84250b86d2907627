"""What test_tipc/prepare.sh makes of a configuration's model."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.tests.test_packages import EVERY, EXAMPLES, build, load

sys.path.insert(0, str(EXAMPLES))
prepare = load(EXAMPLES / "prepare.py")
CONFIGS = sorted((EXAMPLES.parent / "test_tipc/configs").glob("*/*.txt"))


def value(config: Path, line: int) -> str:
    return config.read_text().splitlines()[line - 1].partition(":")[2]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.parent.name)
def test_every_configuration_finds_its_example_by_the_name_of_its_model(config: Path) -> None:
    assert value(config, 2) == config.parent.name
    example = prepare.example_of(value(config, 2))
    assert example == EXAMPLES / Path(value(config, 10)).name
    assert f"model_config: {Path(value(config, 8)).name}" in (example / "config.yml").read_text()
    op = config.read_text().splitlines()[11].split(".")[1]
    assert re.search(rf"^  {op}:$", (example / "config.yml").read_text(), re.MULTILINE)


def test_every_example_with_a_service_has_a_configuration() -> None:
    services = {name for name in EVERY if (EXAMPLES / name / "web_service.py").exists()}
    assert services == {Path(value(config, 10)).name for config in CONFIGS}


def test_an_unknown_model_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    config = tmp_path / "model.txt"
    config.write_text(CONFIGS[0].read_text().replace(f"model_name:{CONFIGS[0].parent.name}", "model_name:GoogLeNet"))
    done = subprocess.run(
        ["bash", "test_tipc/prepare.sh", str(config)],
        cwd=EXAMPLES.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert re.search(r'says model_name = "GoogLeNet"; there are: .*AlexNet.*ocr-rec', done.stderr)
    assert f"{config}:2: model_name: GoogLeNet cannot be prepared" in done.stderr


def test_the_only_models_files_come_into_the_folder_and_a_dictionary_beside_the_service(tmp_path: Path) -> None:
    example = tmp_path / "example"
    made = [("rec_server/inference.pdmodel", b"m"), ("keys.txt", b"k")]
    places = dict(prepare.placed(example, tmp_path / "original", iter(made)))
    assert places == {tmp_path / "original/inference.pdmodel": b"m", example / "keys.txt": b"k"}


def test_the_files_of_several_models_keep_their_folders(tmp_path: Path) -> None:
    made = [("det_server/inference.pdmodel", b"d"), ("rec_server/inference.pdmodel", b"r")]
    places = dict(prepare.placed(tmp_path, tmp_path / "original/det_server", iter(made)))
    assert [path.parent for path in places] == [tmp_path / "original" / name for name in ("det_server", "rec_server")]


def test_what_is_prepared_are_the_bytes_of_the_package(tmp_path: Path) -> None:
    example = prepare.example_of("MobileNetV3_small")
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "prepare.py"), "MobileNetV3_small", str(tmp_path / "original")],
        capture_output=True,
        text=True,
        check=True,
    )
    packaged = dict(build.weights(example, build.read(example), None))
    assert len(done.stdout.splitlines()) == len(packaged) == 2
    for place, content in packaged.items():
        assert (tmp_path / "original" / Path(place).name).read_bytes() == content
