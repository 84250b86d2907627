import json
import re
import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import Repository, answer, says

from paddle_serving_runtime.reference import Reference
from tipc import __main__ as program
from tipc import asking, ports, reference

PADDLE = {"class_id": np.array([8]), "prob": np.array([0.99903536])}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    says(monkeypatch, PADDLE)
    return Repository(tmp_path)


def run(repository: Repository, *arguments: str, timeout: float = 120) -> int:
    return program.main([str(repository.config), *arguments, "--timeout", str(timeout)])


def test_equal_answers_are_success_with_one_status_line_for_every_command(repository: Repository) -> None:
    assert run(repository) == 0
    python = sys.executable
    log = "server_infer_cpu_pipeline_http_usemkldnn_null_threads_null_batchsize_1.log"
    convert = (
        f"{python} -m fake_convert --dirname=./inference --model_filename=inference.pdmodel "
        "--params_filename=inference.pdiparams --serving_server=./deploy/serving/server "
        "--serving_client=./deploy/serving/client"
    )
    client = f"{python} pipeline_http_client.py --img=cat > ../../test_tipc/output/{log} 2>&1 "
    assert repository.status_lines() == [
        f"Run successfully with command - {convert}",
        f"Run successfully with command - {python} web_service.py op.m.local_service_conf.devices=null",
        f"Run successfully with command - {client}",
        f"Run successfully with command - compare with Paddle Inference {log}",
    ]
    (row,) = repository.rows()
    assert (row["consistent"], row["requests"], row["why"]) == ("yes", 1, "")
    assert (repository.output / log).read_text().startswith("{'err_no': 0")


def test_a_status_line_has_the_bytes_that_consumers_look_for(repository: Repository) -> None:
    run(repository)
    content = (repository.output / "results_serving.log").read_bytes()
    assert content.startswith(b"\x1b[33m Run successfully with command - ")
    assert content.count(b"!  \x1b[0m\n") == 4


def test_a_float32_printed_with_64_bits_is_the_same_number(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, {"class_id": np.array([8]), "prob": np.array([float(np.float32("0.99903536"))])})
    assert run(repository) == 0


def test_a_different_answer_fails_and_names_both_sides(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, {"class_id": np.array([8]), "prob": np.array([0.99903542])})
    assert run(repository) == 1
    assert re.fullmatch("Run failed with command - compare with .*", repository.status_lines()[-1])
    (row,) = repository.rows()
    assert row["consistent"] == "no"
    assert row["max_absolute_error"] == pytest.approx(6e-8, rel=0.2)
    for part in ("request-0.json", "prob", "0.99903536", "0.99903542", "Paddle Inference"):
        assert part in row["why"]


def test_what_the_client_prints_is_compared_too(repository: Repository) -> None:
    repository.behave(answer=answer(), printed=answer(prob="[0.5]"))
    assert run(repository) == 1
    assert "the client's output" in repository.rows()[0]["why"]


def test_a_tolerance_of_the_configuration_is_used(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, {"class_id": np.array([8]), "prob": np.array([0.99904])})
    repository.config.write_text(repository.config.read_text() + "tolerance:1e-3|1e-5\n")
    assert run(repository) == 0
    (row,) = repository.rows()
    assert (row["tolerance"], row["consistent"]) == ("0.001|1e-05", "yes, within 0.001|1e-05")


def test_a_tolerance_that_proves_nothing_about_the_answers_fails(repository: Repository) -> None:
    repository.config.write_text(repository.config.read_text() + "tolerance:0|0.5\n")
    assert run(repository) == 1
    assert (
        "tolerance 0|0.5 proves nothing about the output prob: atol 0.5 is more than 0.05 of the largest value"
        in repository.rows()[0]["why"]
    )


def test_an_error_of_the_service_is_a_failed_client_although_it_exits_0(repository: Repository) -> None:
    repository.behave(answer=answer(err_no=8000))
    assert run(repository) == 1
    assert repository.status_lines()[-1].startswith(
        f"Run failed with command - {sys.executable} pipeline_http_client.py"
    )
    assert "err_no is 8000: broken" in repository.rows()[0]["why"]
    assert repository.rows()[0]["consistent"] == "not compared"


def test_a_client_that_exits_with_an_error_fails_the_run(repository: Repository) -> None:
    repository.behave(answer=answer(), client_status=3)
    assert run(repository) == 1
    assert "exit status 3" in repository.rows()[0]["why"]


def test_a_client_that_fails_on_an_error_of_the_service_is_reported_with_that_error(repository: Repository) -> None:
    repository.behave(answer=answer(err_no=8000), client_status=1)
    assert run(repository) == 1
    assert re.search("exit status 1: .*; HTTP 200 from .*: err_no is 8000: broken", repository.rows()[0]["why"])


def test_a_client_that_asks_nothing_is_no_success(repository: Repository) -> None:
    repository.behave(answer=answer(), silent=True)
    assert run(repository) == 1
    assert "sent no request that could be seen" in repository.rows()[0]["why"]
    (line,) = [line for line in repository.status_lines() if "pipeline_http_client.py" in line]
    assert line.startswith("Run failed")


def test_a_client_that_never_asks_is_ended_early_and_the_next_has_its_full_time(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "QUIET_SECONDS", 5)
    (repository.service / "pipeline_rpc_client.py").write_text("import time; print('connecting'); time.sleep(600)")
    repository.configure(clients="pipeline_rpc_client.py|pipeline_http_client.py")
    assert run(repository) == 1
    first, second = repository.rows()
    assert "sent no request that could be seen" in first["why"]
    assert "within 5 s" in first["why"]
    assert (second["consistent"], second["why"]) == ("yes", "")


def test_an_rpc_client_is_compared_as_one_over_http(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    port = ports.free_port()
    repository.listen(port)
    repository.behave(answer=answer(), rpc_port=port)
    repository.add_rpc_client(port, "cat")
    assert run(repository) == 0
    assert [(row["client"], row["consistent"], row["requests"]) for row in repository.rows()] == [
        ("pipeline_rpc_client.py", "yes", 1),
        ("pipeline_http_client.py", "yes", 1),
    ]
    assert all(row["latency_ms"] > 0 for row in repository.rows())
    says(monkeypatch, {"class_id": np.array([8]), "prob": np.array([0.5])})
    assert run(repository) == 1
    assert [row["consistent"] for row in repository.rows()] == ["no", "no"]


def test_a_client_has_a_time_of_its_own(repository: Repository) -> None:
    repository.behave(answer=answer(), starts_after=6, client_sleeps=600)
    assert run(repository, "--client-timeout", "5") == 1
    assert "did not end within 5 s" in repository.rows()[0]["why"]
    assert repository.status_lines()[-2].startswith("Run successfully with command - " + sys.executable)
    assert "web_service.py" in repository.status_lines()[-2]


def test_a_service_that_leaves_a_request_unanswered_is_no_client_that_asks_nothing(repository: Repository) -> None:
    repository.behave(answer=answer(), hangs=True)
    assert run(repository, "--client-timeout", "5") == 1
    assert "did not end within 5 s" in repository.rows()[0]["why"] or "did not answer" in repository.rows()[0]["why"]


def test_a_client_that_fails_is_not_asked_again(repository: Repository) -> None:
    script = repository.service / "pipeline_http_client.py"
    script.write_text("open('runs', 'a').write('x'); raise SystemExit('a client that can never ask')")
    assert run(repository) == 1
    assert (repository.service / "runs").read_text() == "x"
    assert "exit status 1: a client that can never ask; the client sent no request" in repository.rows()[0]["why"]


def test_a_server_that_dies_fails_the_run_with_its_last_line(repository: Repository) -> None:
    repository.behave(answer=answer(), dies=True)
    assert run(repository) == 1
    assert repository.status_lines()[-1].startswith(f"Run failed with command - {sys.executable} web_service.py")
    assert "the model cannot be loaded" in repository.rows()[0]["why"]


def test_a_server_that_starts_late_is_waited_for(repository: Repository) -> None:
    repository.behave(answer=answer(), starts_after=3)
    assert run(repository) == 0


def test_a_server_that_never_answers_fails_at_the_deadline(repository: Repository) -> None:
    repository.behave(answer=answer(), starts_after=600)
    assert run(repository, timeout=2) == 1
    assert "did not answer within 2 s" in repository.rows()[0]["why"]
    assert repository.status_lines()[-1].startswith(f"Run failed with command - {sys.executable} web_service.py")


def test_a_port_in_use_is_refused_before_another_server_is_tested(repository: Repository) -> None:
    with socket.create_server(("127.0.0.1", repository.port)):
        assert run(repository) == 1
    assert f"port {repository.port} of config.yml is in use" in repository.rows()[0]["why"]


def test_an_rpc_port_in_use_is_refused_too(repository: Repository) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        repository.listen(taken)
        assert run(repository) == 1
    assert f"port {taken} of config.yml is in use" in repository.rows()[0]["why"]
    assert "change rpc_port" in repository.rows()[0]["why"]


def test_a_failed_conversion_ends_the_run(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    (repository.root / "convert-fails").touch()
    assert run(repository) == 1
    (line,) = repository.status_lines()
    assert line.startswith(f"Run failed with command - {sys.executable} -m fake_convert")
    assert "convert: the program is broken" in capsys.readouterr().out
    (row,) = repository.rows()
    assert (row["consistent"], row["why"]) == ("not compared", "the model was not converted")


def test_nothing_of_a_run_before_is_left_where_the_configuration_is_refused(repository: Repository) -> None:
    run(repository)
    repository.config.write_text("nothing")
    assert run(repository) == 2
    assert [path.name for path in repository.output.iterdir()] == []


def test_every_combination_is_a_row(repository: Repository) -> None:
    repository.configure(onednn="True|False")
    assert run(repository) == 0
    assert [row["onednn"] for row in repository.rows()] == ["True", "False"]
    table = (repository.output / "report_fake.md").read_text().splitlines()
    assert len(table) == 4
    assert table[0].startswith("| model | target | device asked for | device | backend |")


def test_a_rerun_leaves_nothing_of_the_run_before(repository: Repository) -> None:
    run(repository)
    (repository.output / "server_infer_cpu_old.log").touch()
    run(repository)
    assert len(repository.status_lines()) == 4
    assert not (repository.output / "server_infer_cpu_old.log").exists()


def test_no_server_is_left_behind(repository: Repository) -> None:
    run(repository)
    assert not ports.answers_on(repository.port)


def test_the_second_argument_chooses_the_card(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    script = repository.service / "web_service.py"
    script.write_text("import os\nopen('card', 'w').write(os.environ['CUDA_VISIBLE_DEVICES'])\n" + script.read_text())
    assert run(repository, "3") == 0
    assert (repository.service / "card").read_text() == "3"


def test_proxies_of_the_machine_reach_neither_server_nor_client(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    script = repository.service / "web_service.py"
    script.write_text("import os\nassert 'http_proxy' not in os.environ\n" + script.read_text())
    assert run(repository) == 0


def test_a_missing_file_of_the_configuration_is_status_2_and_names_its_line(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository.service / "pipeline_http_client.py").unlink()
    assert run(repository) == 2
    assert f"{repository.config}:17: pipline: " in capsys.readouterr().err


def test_a_request_with_switches_reaches_the_reference_with_the_same_ones(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def computed(package: Path, service: list[str], *_: Any) -> Reference:  # noqa: ANN401
        seen.append(service)
        assert json.loads((package / "golden/request-0.json").read_text()) == {"key": ["image"], "value": ["--img=cat"]}
        return Reference("3.3.1", "cpu", {}, {"request-0.json": PADDLE}, models={"m": "server"})

    monkeypatch.setattr(reference, "computed", computed)
    repository.configure(onednn="True")
    assert run(repository) == 0
    switches = ["op.m.local_service_conf.devices=", "op.m.local_service_conf.use_mkldnn=True"]
    same = [f"--script=web_service.py {' '.join(switches)}", "--overrides", *switches]
    assert seen == [same, same], "the converted model, and the one before"
    # the argument `devices=null` of the command line means this
    assert json.loads((repository.service / "argv.json").read_text()) == switches
