import re
from pathlib import Path

import pytest

from tipc.config import ConfigError, Parameter, parse, read

PATH = Path("test_tipc/configs/m/model.txt")


def replaced(text: str, line: int, new: str) -> bytes:
    lines = text.split("\n")
    lines[line - 1] = new
    return "\n".join(lines).encode()


def test_the_alexnet_configuration_is_read_line_by_line(alexnet: str) -> None:
    config = parse(PATH, alexnet.encode())
    assert config.model_name == "AlexNet"
    assert config.pythons == ("python3.7",)
    assert config.convert[0] == ("--dirname", "./alexnet_infer/")
    assert config.device == Parameter("op.alexnet.local_service_conf.devices", ("0",))
    assert config.onednn == Parameter("null", ("null",))
    assert config.clients == ("pipeline_http_client.py",)
    assert config.image == ("--img-path", "../../images/demo.jpg")
    assert config.tolerance is None


def test_a_value_keeps_its_colons(alexnet: str) -> None:
    config = parse(PATH, replaced(alexnet, 18, "--url:http://127.0.0.1:8080/x"))
    assert config.image == ("--url", "http://127.0.0.1:8080/x")


def test_a_glob_is_text_and_never_expanded(alexnet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").touch()
    monkeypatch.chdir(tmp_path)
    assert parse(PATH, replaced(alexnet, 18, "--img:*.jpg")).image == ("--img", "*.jpg")


@pytest.mark.parametrize(
    ("line", "new", "message"),
    [
        (1, "====serving_infer_python_params====", ":1: 'serving_infer_python_params' is the banner"),
        (3, "python:", ":3: python has no value"),
        (4, "", ":4: trans_model expected, found a blank line"),
        (6, "--model_filename", ":6: '--model_filename' has no colon"),
        (9, "--serving_servant:x", ":9: the key is '--serving_servant', but line 9 is '--serving_client'"),
        (10, "serving_dir:deploy", ":10: serving_dir is 'deploy'; it must lie exactly two levels below"),
        (10, "serving_dir:../x", ":10: serving_dir is '../x'"),
        (12, "op.x.devices:1", ':12: value of op.x.devices is "1"; a device is `null` (CPU) or `0` (GPU)'),
        (14, "", ":14: key:value expected, found a blank line"),
    ],
)
def test_a_broken_line_is_named_with_file_line_and_key(alexnet: str, line: int, new: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{PATH}{message}")):
        parse(PATH, replaced(alexnet, line, new))


def test_windows_line_ends_are_refused_with_the_command_that_mends_them(alexnet: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{PATH}:1: ends with CRLF. Convert the file: sed -i")):
        parse(PATH, alexnet.replace("\n", "\r\n").encode())


def test_a_file_that_ends_early_is_refused_at_the_missing_line(alexnet: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{PATH}:17: the file ends here; line 17 of 18 (pipline)")):
        parse(PATH, "\n".join(alexnet.split("\n")[:16]).encode())


def test_text_that_is_not_utf8_is_refused_at_its_line(alexnet: str) -> None:
    content = alexnet.encode().replace(b"AlexNet", b"Alex\xffNet")
    with pytest.raises(ConfigError, match=re.escape(f"{PATH}:2: not UTF-8")):
        parse(PATH, content)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path / 'no.txt'}: cannot be read (No such file")):
        read(tmp_path / "no.txt")


def test_lines_after_the_eighteenth_are_ignored_but_for_the_tolerance(alexnet: str) -> None:
    config = parse(PATH, f"{alexnet}\nnote:anything\ntolerance:1e-3|1e-5\n".encode())
    assert config.tolerance == (1e-3, 1e-5)


def test_a_tolerance_that_is_no_pair_of_numbers_is_refused(alexnet: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{PATH}:19: tolerance is '0.1'")):
        parse(PATH, f"{alexnet}\ntolerance:0.1".encode())


def test_the_configurations_of_this_repository_are_valid(root: Path) -> None:
    paths = sorted((root / "test_tipc/configs").glob("*/*.txt"))
    assert [read(path).model_name for path in paths] == [path.parent.name for path in paths] == ["AlexNet", "ocr-rec"]
    assert {path.name for path in paths} == {"model_linux_gpu_normal_normal_serving_python_linux_gpu_cpu.txt"}
