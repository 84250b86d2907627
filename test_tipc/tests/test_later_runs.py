import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import later_configs as files
import numpy as np
import pytest
from fakes import Repository, says

from tipc import __main__ as program

PADDLE = {"class_id": np.array([8]), "prob": np.array([0.99903536])}
SERVICE = """\
class ImagenetOp:
    def preprocess(self, input_imgs):
        return {"inputs": input_imgs}, False, None, ""
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    says(monkeypatch, PADDLE)
    made = Repository(tmp_path)
    client = made.service / "pipeline_http_client.py"
    client.write_text(client.read_text().replace("sys.argv[1]", "(sys.argv + ['none'])[1]"))
    return made


def run(repository: Repository, text: str, *arguments: str) -> int:
    text = text.replace("paddle_serving_client.convert", "fake_convert").replace("0|null", "null")
    repository.config.write_text(text.replace('"0"|null', "null").replace("gpu|null", "null"))
    return program.main([str(repository.config), *arguments, "--timeout", "120"], later=True)


def rows(repository: Repository, mode: str = "serving_infer") -> list[dict[str, Any]]:
    report = repository.output / "fake" / mode / "report_fake.json"
    found: list[dict[str, Any]] = json.loads(report.read_text())
    return found


@pytest.mark.parametrize(
    "text", [files.MOBILENET_13, files.MOBILENET_14, files.SEG, files.CLAS, files.OCR, files.OCR_SYSTEM]
)
def test_the_later_configurations_run_as_the_first_does(repository: Repository, text: str) -> None:
    (repository.service / "config.yml").write_text(f"http_port: {repository.port}\nop: {{m: {{}}}}\n")
    assert run(repository, text) == 0
    assert {(row["model"], row["target"], row["consistent"]) for row in rows(repository)} == {("fake", "local", "yes")}


def test_logs_go_to_the_folder_of_model_and_mode_and_status_lines_name_the_model(repository: Repository) -> None:
    assert run(repository, files.MOBILENET_14, "whole_infer") == 0
    log = (repository.output / "fake/whole_infer/serving_infer_python.log").read_text()
    assert log.startswith("\033[33m Run successfully with command - fake - python3 -m fake_convert --dirname=")
    client = "server_infer_cpu_pipeline_http_usemkldnn_null_threads_null_batchsize_1.log"
    assert f"> ../../test_tipc/output/fake/whole_infer/{client} 2>&1" in log
    assert (repository.output / "fake/whole_infer" / client).exists()


def test_the_model_of_paddleclas_gets_its_alias_and_the_service_the_models_input_name_for_the_run(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository.service / "config.yml").write_text(f"http_port: {repository.port}\nop: {{m: {{}}}}\n")
    script = repository.service / "web_service.py"
    seen = "import pathlib, shutil\nshutil.copy(__file__, 'seen.py')\n"
    before = SERVICE + seen + script.read_text()
    script.write_text(before)
    assert run(repository, files.CLAS) == 0
    assert '{"x": input_imgs}' in (repository.service / "seen.py").read_text()
    assert script.read_text() == before
    assert 'deploy/serving/web_service.py: for this run its input is named "x"' in capsys.readouterr().out
    prototxt = (repository.service / "server/serving_server_conf.prototxt").read_text()
    assert 'fetch_var { name: "y" alias_name: "prediction" }' in prototxt
    assert 'feed_var { name: "x" alias_name: "x" }' in prototxt


def test_a_paddleclas_model_with_two_outputs_fails_with_a_sentence(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository.service / "config.yml").write_text(f"http_port: {repository.port}\nop: {{m: {{}}}}\n")
    converter = repository.root / "fake_convert.py"
    converter.write_text(converter.read_text().replace("chr(10) + fetch", "fetch + fetch"))
    assert run(repository, files.CLAS) == 1
    assert "the model has 2 outputs; the services of PaddleClas read one, prediction" in capsys.readouterr().out


def test_a_second_model_that_is_not_there_is_named_by_its_own_line(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(repository, files.OCR_SYSTEM.replace("--rec_dirname:./inference", "--rec_dirname:./nowhere")) == 2
    assert f"{repository.config}:10: --rec_dirname: {repository.root}/nowhere does not exist" in capsys.readouterr().err
    assert run(repository, files.OCR_SYSTEM.replace("--det_dirname:./inference", "--det_dirname:./nowhere")) == 2
    assert f"{repository.config}:5: --det_dirname: {repository.root}/nowhere" in capsys.readouterr().err


def test_a_refused_configuration_leaves_no_report_of_a_run_before(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    run(repository, files.MOBILENET_13)
    assert rows(repository)
    assert run(repository, files.DETECTION.replace("picodet\n", "fake\n")) == 2
    assert "generation G3 (PaddleDetection)" in capsys.readouterr().err
    assert list((repository.output / "fake/serving_infer").iterdir()) == []


def test_a_card_in_the_place_of_the_mode_is_refused(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(repository, files.MOBILENET_13, "0")
    assert "MODE is '0'" in capsys.readouterr().err


def test_the_script_hands_on_its_arguments(root: Path, repository: Repository) -> None:
    repository.config.write_text(files.SHITU)
    script = root / "test_tipc/test_serving_infer_python.sh"
    result = subprocess.run(
        ["bash", str(script), "config.txt", "serving_infer", "3"],
        cwd=repository.root,
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 2
    assert (
        "config.txt:4: cls_inference_model_url: a configuration of generation G2 (PaddleClas, PP-ShiTu)"
        in result.stderr
    )
