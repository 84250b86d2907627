from pathlib import Path

import pytest

from tipc import matrix
from tipc.config import Config, parse
from tipc.matrix import Combination

PATH = Path("config.txt")


@pytest.fixture
def ocr(ocr_matrix: str) -> Config:
    return parse(PATH, ocr_matrix.encode())


@pytest.fixture
def alex(alexnet: str) -> Config:
    return parse(PATH, alexnet.encode())


def test_the_ocr_matrix_has_sixteen_client_runs_in_the_original_order(ocr: Config) -> None:
    logs = [matrix.client_log(c, client) for c in matrix.combinations(ocr) for client in ocr.clients]
    assert len(logs) == len(set(logs)) == 16
    assert logs[:4] == [
        "server_infer_cpu_pipeline_rpc_usemkldnn_True_threads_1_batchsize_1.log",
        "server_infer_cpu_pipeline_http_usemkldnn_True_threads_1_batchsize_1.log",
        "server_infer_cpu_pipeline_rpc_usemkldnn_True_threads_6_batchsize_1.log",
        "server_infer_cpu_pipeline_http_usemkldnn_True_threads_6_batchsize_1.log",
    ]


def test_fp16_and_int8_are_skipped_without_tensorrt(ocr: Config) -> None:
    gpu = [(c.tensorrt, c.precision) for c in matrix.combinations(ocr) if c.device == "gpu"]
    assert gpu == [("False", "fp32"), ("True", "fp32"), ("True", "fp16"), ("True", "int8")]


def test_the_alexnet_commands_are_those_of_the_original(alex: Config) -> None:
    (combination,) = matrix.combinations(alex)
    assert matrix.convert_commands(alex, "python3.7")[0] == [
        "python3.7",
        "-m",
        "paddle_serving_client.convert",
        "--dirname=./alexnet_infer/",
        "--model_filename=inference.pdmodel",
        "--params_filename=inference.pdiparams",
        "--serving_server=./deploy/serving/alexnet_server",
        "--serving_client=./deploy/serving/alexnet_client",
    ]
    server = matrix.server_command(alex, combination)
    assert server == ["python3.7", "web_service.py", "op.alexnet.local_service_conf.devices=0"]
    client = matrix.client_command(alex, combination, "pipeline_http_client.py")
    assert client == ["python3.7", "pipeline_http_client.py", "--img-path=../../images/demo.jpg"]


def test_the_ocr_server_gets_its_fixed_arguments_and_the_switches(ocr: Config) -> None:
    combination = Combination("python3", "cpu", onednn="True", threads="6")
    assert matrix.server_command(ocr, combination) == [
        "python3",
        "web_service_det.py",
        "--config=config.yml",
        "--opt",
        "op.det.concurrency=1",
        "op.det.local_service_conf.devices=null",
        "op.det.local_service_conf.use_mkldnn=True",
        "op.det.local_service_conf.thread_num=6",
    ]


def test_the_text_of_a_gpu_command_is_byte_for_byte_the_original(alex: Config) -> None:
    (combination,) = matrix.combinations(alex)
    text = matrix.client_text(alex, combination, "pipeline_http_client.py", "../../test_tipc/output/x.log")
    assert text == (
        "python3.7 pipeline_http_client.py --img-path=../../images/demo.jpg> ../../test_tipc/output/x.log 2>&1"
    )


def test_the_text_of_a_cpu_command_ends_with_a_blank(ocr: Config) -> None:
    combination = Combination("python3", "cpu", onednn="True", threads="6")
    text = matrix.client_text(ocr, combination, "pipeline_http_client.py", "x.log")
    assert text == "python3 pipeline_http_client.py --image_dir=../../doc/imgs > x.log 2>&1 "


def test_a_client_without_input_argument_leaves_the_original_two_blanks(alexnet: str) -> None:
    config = parse(PATH, alexnet.replace("--img-path:../../images/demo.jpg", "null:null").encode())
    (combination,) = matrix.combinations(config)
    assert matrix.client_text(config, combination, "c.py", "x.log") == "python3.7 c.py  > x.log 2>&1"
    assert matrix.client_command(config, combination, "c.py") == ["python3.7", "c.py"]


def test_the_cpp_interpreter_makes_no_combination(ocr_matrix: str) -> None:
    config = parse(PATH, ocr_matrix.replace("python:python3", "python:python3|cpp").encode())
    assert {c.python for c in matrix.combinations(config)} == {"python3"}


def test_what_line_11_says_is_part_of_script_and_overrides(ocr: Config) -> None:
    cpu = Combination("python3", "cpu", onednn="True", threads="6")
    assert matrix.script(ocr, cpu) == (
        "web_service_det.py --config=config.yml --opt op.det.concurrency=1 op.det.local_service_conf.devices= "
        "op.det.local_service_conf.use_mkldnn=True op.det.local_service_conf.thread_num=6"
    )
    assert matrix.overrides(ocr, cpu)["op.det.concurrency"] == "1"


def test_words_that_are_no_keys_of_the_configuration_stay_the_scripts_own() -> None:
    argv = ["--model_dir=./server", "lang=en", "model=op.x=y", "http_port=9", "op.a.b=c=d"]
    assert matrix.config_overrides(argv) == {"http_port": "9", "op.a.b": "c=d"}


@pytest.mark.parametrize(
    ("line", "argv", "asked"),
    [
        ("op.x.local_service_conf.devices:0", ["op.x.local_service_conf.devices=0"], "gpu"),
        ("op.x.local_service_conf.devices:null", ["op.x.local_service_conf.devices=null"], "cpu"),
        ("op.x.local_service_conf.device_type:0", ["op.x.local_service_conf.device_type=0"], "cpu"),
        ("null:null", [], ""),
    ],
)
def test_line_12_asks_for_a_device(alexnet: str, line: str, argv: list[str], asked: str) -> None:
    config = parse(PATH, alexnet.replace("op.alexnet.local_service_conf.devices:0", line).encode())
    (combination,) = matrix.combinations(config)
    assert matrix.switches(config, combination) == argv
    assert matrix.asked_device(config, combination) == asked


def test_the_processor_by_its_number_leaves_no_word_that_paddle_serving_does_not_know() -> None:
    assert matrix.override("op.x.local_service_conf.device_type", "null") == (
        "op.x.local_service_conf.device_type",
        "0",
    )


def test_overrides_speak_paddle_servings_own_words(ocr: Config) -> None:
    cpu = Combination("python3", "cpu", onednn="True", threads="6")
    assert matrix.overrides(ocr, cpu) == {
        "op.det.concurrency": "1",
        "op.det.local_service_conf.devices": "",
        "op.det.local_service_conf.use_mkldnn": "True",
        "op.det.local_service_conf.thread_num": "6",
    }
    gpu = Combination("python3", "gpu", tensorrt="True", precision="fp16")
    assert matrix.overrides(ocr, gpu) == {
        "op.det.concurrency": "1",
        "op.det.local_service_conf.devices": "0",
        "op.det.local_service_conf.device_type": "2",
        "op.det.local_service_conf.precision": "fp16",
    }
