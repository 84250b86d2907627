import re
from pathlib import Path

import later_configs as files
import pytest

from tipc import config as first
from tipc import matrix
from tipc.config import Config, ConfigError
from tipc.later import Source, parse

PATH = Path("test_tipc/configs/m/model.txt")


def read(text: str, config_yml: str | None = "op:\n  imagenet: {concurrency: 1}\n") -> Config:
    return parse(Source(PATH, "serving_infer", text.rstrip("\n").split("\n"), lambda _name: config_yml))


def servers(config: Config) -> list[str]:
    return [" ".join(matrix.server_command(config, combination)) for combination in matrix.combinations(config)]


def client(config: Config) -> str:
    return " ".join(matrix.client_command(config, next(matrix.combinations(config)), config.clients[0]))


def test_thirteen_lines_leave_the_device_to_config_yml() -> None:
    config = read(files.MOBILENET_13)
    assert servers(config) == ["python3 web_service.py"]
    assert client(config) == "python3 pipeline_http_client.py --image_dir=cat"
    assert config.output == Path("test_tipc/output/fake/serving_infer")


def test_fourteen_lines_choose_the_device_by_an_option_of_the_service() -> None:
    config = read(files.MOBILENET_14)
    assert servers(config) == [
        "python3 web_service.py --config=config.yml --opt op.m.local_service_conf.devices=0",
        "python3 web_service.py --config=config.yml --opt op.m.local_service_conf.devices=null",
    ]


def test_sixteen_lines_hand_names_to_the_service_and_the_client() -> None:
    config = read(files.SEG)
    assert servers(config)[1] == (
        "python3 web_service.py --config=config.yml --input_name=x --output_name=argmax_0.tmp_0 --opt "
        "op.m.local_service_conf.devices=null"
    )
    assert client(config) == "python3 pipeline_http_client.py --input_name=x --img_path=cat"


def test_paddleclas_sets_model_and_device_of_the_only_op() -> None:
    config = read(files.CLAS)
    assert servers(config)[1] == (
        "python3 web_service.py op.imagenet.local_service_conf.model_config=server "
        "op.imagenet.local_service_conf.devices=null"
    )
    assert config.convert[0] == ("--dirname", "./inference")
    assert config.alias == "prediction"
    assert client(config) == "python3 pipeline_http_client.py"
    assert config.places["web_service"] == 12


def test_paddleocr_says_gpu_for_0_and_fills_in_the_model() -> None:
    config = read(files.OCR)
    assert servers(config)[2] == (
        "python3 web_service.py --config=config.yml --opt op.det.concurrency=1 "
        "op.det.local_service_conf.model_config=server op.det.local_service_conf.devices=null "
        "op.det.local_service_conf.use_mkldnn=True op.det.local_service_conf.thread_num=6"
    )
    assert config.convert[3] == ("--serving_server", "./deploy/serving/server/")


def test_the_system_of_paddleocr_converts_two_models_for_one_service() -> None:
    config = read(files.OCR_SYSTEM)
    assert [" ".join(command) for command in matrix.convert_commands(config, "python3")] == [
        f"python3 -m paddle_serving_client.convert --dirname=./inference --model_filename=inference.pdmodel "
        f"--params_filename=inference.pdiparams --serving_server=./deploy/serving/{prefix}server/ "
        f"--serving_client=./deploy/serving/{prefix}client/"
        for prefix in ("", "rec_")
    ]
    models = [word for word in config.web_service.split() if "model_config" in word]
    assert models == [
        "op.det.local_service_conf.model_config=server",
        "op.rec.local_service_conf.model_config=rec_server",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            files.DETECTION,
            ":8: norm_export: a configuration of generation G3 (PaddleDetection), which needs its own tools",
        ),
        (
            files.OCR.replace("--det_dirname:./inference", "--det_dirname:null"),
            ":5: --det_dirname: a configuration of generation G3 (PaddleOCR 2022), which needs a model",
        ),
        (
            files.SHITU,
            ":4: cls_inference_model_url: a configuration of generation G2 (PaddleClas, PP-ShiTu), which needs",
        ),
        (files.CPP, ":12: --op: a configuration of C++ serving, which needs Paddle Serving's C++ server"),
        (files.CLAS_CPP, ":4: inference_model_url: a configuration of generation G2 (PaddleClas), which needs Paddle"),
        (files.CLAS.replace("--use_gpu:0", "null:0"), ":13: the key is 'null', but line 13 is '--use_gpu'"),
        (files.CLAS.replace("0|null", "1"), ':13: value of op.imagenet.local_service_conf.devices is "1"'),
        (files.MOBILENET_14.replace("pipline", "pipeline"), ":14: the file has no line 'pipline'"),
        (files.SEG.replace("./web_service.py", "sh x"), ":11: web_service is 'sh x --config=config.yml"),
    ],
)
def test_what_cannot_be_run_is_refused_with_line_key_and_generation(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{PATH}{message}")):
        read(text)


@pytest.mark.parametrize("config_yml", [None, "op: {a: {}, b: {}}", "op: 3", "{"])
def test_paddleclas_needs_a_config_yml_with_one_op(config_yml: str | None) -> None:
    with pytest.raises(ConfigError, match=re.escape("./deploy/serving/config.yml must have one Op")):
        read(files.CLAS, config_yml)


@pytest.mark.parametrize("text", [files.MOBILENET_13, files.MOBILENET_14, files.SEG, files.CLAS, files.OCR])
def test_the_script_of_the_first_generation_names_the_right_one(text: str) -> None:
    with pytest.raises(ConfigError, match=r"of generation G[23] \(.*bash test_tipc/test_serving_infer_python.sh"):
        first.parse(PATH, text.encode())


@pytest.mark.parametrize("text", [files.DETECTION, files.OCR_SYSTEM, files.SHITU, files.CPP])
def test_the_script_of_the_first_generation_names_the_generation(text: str) -> None:
    with pytest.raises(ConfigError, match=r"a configuration of (generation G[23]|C\+\+ serving)"):
        first.parse(PATH, text.encode())


def test_the_later_script_names_the_first_for_eighteen_lines(alexnet: str) -> None:
    with pytest.raises(ConfigError, match=r"bash test_tipc/test_serving\.sh test_tipc/configs"):
        read(alexnet)


def test_the_clients_argument_of_the_first_generation_may_have_any_key(alexnet: str) -> None:
    text = alexnet.replace("--img-path:", "--input_name:")
    assert first.parse(PATH, text.encode()).image[0] == "--input_name"


def test_the_banner_of_another_generation_changes_nothing(alexnet: str, ocr_matrix: str) -> None:
    for text in (alexnet, ocr_matrix):
        swapped = text.replace("serving_params", "serving_infer_python_params")
        assert first.parse(PATH, swapped.encode()) == first.parse(PATH, text.encode())
