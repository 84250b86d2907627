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
        (3, "python:", ":3: python has no value"),
        (4, "", ":4: trans_model expected, found a blank line"),
        (6, "--model_filename", ":6: '--model_filename' has no colon"),
        (9, "--serving_servant:x", ":9: the key is '--serving_servant', but line 9 is '--serving_client'"),
        (10, "serving_dir:deploy", ":10: serving_dir is 'deploy'; it must lie exactly two levels below"),
        (10, "serving_dir:../x", ":10: serving_dir is '../x'"),
        (11, "web_service:-m serving.det", ":11: web_service is '-m serving.det', which does not begin with a Python"),
        (11, "web_service:w.py > log", ":11: web_service is 'w.py > log'; '>' needs a shell"),
        (11, "web_service:w.py --a=$B", ":11: web_service is 'w.py --a=$B'; '--a=$B' needs a shell"),
        (11, "web_service:w.py 'a", ':11: web_service is "w.py \'a": No closing quotation'),
        (12, "null:0", ':12: the key is null, but its value is "0"'),
        (17, "pipline:c.py|d.sh", ":17: pipline is 'd.sh', which does not begin with a Python script"),
        (12, "op.x.devices:1", ':12: value of op.x.devices is "1"; a device is `null` (CPU) or `0` (GPU)'),
        (14, "", ":14: key:value expected, found a blank line"),
    ],
)
def test_a_broken_line_is_named_with_file_line_and_key(alexnet: str, line: int, new: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{PATH}{message}")):
        parse(PATH, replaced(alexnet, line, new))


def test_the_banner_says_nothing(alexnet: str) -> None:
    assert parse(PATH, replaced(alexnet, 1, "====serving_infer_python_params====")).model_name == "AlexNet"


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


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("tolerance:0.1", "tolerance is '0.1'; write tolerance:RTOL|ATOL."),
        ("tolerance:1e9|1e9", "tolerance is '1e9|1e9'; an RTOL of more than 0.05 proves nothing. Write a smaller one."),
        ("tolerance:0.06|0", "tolerance is '0.06|0'; an RTOL of more than 0.05 proves nothing."),
        ("tolerance:inf|0", "tolerance is 'inf|0'; inf is no difference. Write a number from 0 upwards."),
        ("tolerance:0|inf", "tolerance is '0|inf'; inf is no difference."),
        ("tolerance:nan|0", "tolerance is 'nan|0'; nan is no difference."),
        ("tolerance:-1|0", "tolerance is '-1|0'; -1 is no difference."),
        ("author_tolerance:0|-1", "author_tolerance is '0|-1'; -1 is no difference."),
        ("tolerence:1e-3|0", "'tolerence:1e-3|0' has no effect; write tolerance:RTOL|ATOL."),
        ("Tolerance:1e-3|0", "'Tolerance:1e-3|0' has no effect; write tolerance:RTOL|ATOL."),
        ("tolerance=1e-3|0", "'tolerance=1e-3|0' has no effect; write tolerance:RTOL|ATOL."),
        ("autor-tolerance:1e-3|0", "'autor-tolerance:1e-3|0' has no effect; write author_tolerance:RTOL|ATOL."),
    ],
)
def test_a_tolerance_that_proves_nothing_or_is_misspelt_is_refused(alexnet: str, written: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{PATH}:19: {message}")):
        parse(PATH, f"{alexnet}\n{written}".encode())


def test_a_second_tolerance_is_refused(alexnet: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{PATH}:20: tolerance is there twice.")):
        parse(PATH, f"{alexnet}\ntolerance:0|0\ntolerance:1e-3|0".encode())


def test_the_configurations_of_this_repository_are_valid(root: Path) -> None:
    paths = sorted((root / "test_tipc/configs").glob("*/*.txt"))
    assert [read(path).model_name for path in paths] == [path.parent.name for path in paths]
    assert {"AlexNet", "ocr-rec"} <= {path.parent.name for path in paths}
    assert {path.name for path in paths} == {"model_linux_gpu_normal_normal_serving_python_linux_gpu_cpu.txt"}
