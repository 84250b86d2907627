import subprocess
from pathlib import Path

import pytest


def bash(root: Path, script: str, library: str = "common_func.sh") -> subprocess.CompletedProcess[str]:
    command = f"source {root}/test_tipc/{library}; {script}"
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize(
    ("call", "output"),
    [
        ('func_parser_key "a:b:c"', "a\n"),
        ('func_parser_key "plain"', "plain\n"),
        ('func_parser_value "a:b:c"', "b\n"),
        ('func_parser_value "url:http://host/x"', "http\n"),
        ('func_parser_value "plain"', "\n"),
        ('func_parser_value "a:"', "\n"),
        ('func_parser_value "trans_model:-m paddle_serving_client.convert"', "-m paddle_serving_client.convert\n"),
        ('func_set_params "--k" "v"', "--k=v\n"),
        ('func_set_params "null" "v"', " \n"),
        ('func_set_params "k" "null"', " \n"),
        ('func_set_params "k" ""', " \n"),
        ('func_set_params "k" " "', " \n"),
        ('func_set_params "" "v"', "=v\n"),
        ('MODE=m2; func_parser_params "k:m1=1|m2=4"', "4\n"),
        ('MODE=m1; func_parser_params "k:m1=1|m2=4"', "1\n"),
        ('MODE=other; func_parser_params "k:m1=1|m2=4"', ""),
        ('MODE=m1; func_parser_params "k:plain"', ""),
        ('func_parser_params "k:m1=1|m2=4" m1', "1\n"),
        ('MODE=m1; func_parser_params "k:m1=1|m2=4" m2', "4\n"),
        ('func_parser_value_lite "norm;quant;fpgm" ";"', "quant\n"),
        ('func_parser_value_lite "a=b=c" "="', "b\n"),
        ('func_parser_value_lite "plain" "="', "\n"),
        ('func_parser_value_lite "k:http://host" ","', "\n"),
        (
            "func_set_amp_params AMP fp16",
            "-o AMP.scale_loss=128 -o AMP.use_dynamic_loss_scaling=False -o AMP.level=O2\n",
        ),
        ("func_set_amp_params AMP fp32", " \n"),
    ],
)
def test_the_functions_answer_what_the_originals_answer(root: Path, call: str, output: str) -> None:
    result = bash(root, call)
    assert (result.stdout, result.returncode) == (output, 0)


def test_a_glob_in_a_value_is_not_expanded(root: Path) -> None:
    assert bash(root, 'cd /; func_parser_value "k:*"').stdout == "*\n"


@pytest.mark.parametrize(("status", "word"), [("0", "successfully"), ("1", "failed"), ("", "failed")])
def test_status_check_prints_and_appends_the_same_bytes(root: Path, tmp_path: Path, status: str, word: str) -> None:
    log = tmp_path / "results.log"
    log.write_text("before\n")
    result = bash(root, f'status_check "{status}" "python a.py  > x.log 2>&1 " {log}')
    line = f"\033[33m Run {word} with command - python a.py  > x.log 2>&1 !  \033[0m\n"
    assert result.stdout == line
    assert log.read_text() == "before\n" + line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("AlexNet", "Run successfully with command - AlexNet - python a.py!  "),
        ("AlexNet x.log", "Run successfully with command - AlexNet - python a.py - x.log ! "),
    ],
)
def test_status_check_of_2022_names_the_model_and_the_log(
    root: Path, tmp_path: Path, arguments: str, line: str
) -> None:
    result = bash(root, f'status_check 0 "python a.py" {tmp_path}/results.log {arguments}')
    assert result.stdout == (tmp_path / "results.log").read_text() == f"\033[33m {line}\033[0m\n"


@pytest.mark.parametrize(
    ("call", "output"),
    [
        ('func_parser_key "weights:https://host/x"', "weights\n"),
        ('func_parser_value "weights:https://host/x"', "https://host/x\n"),
        ('func_parser_value "plain"', "plain\n"),
        ('func_set_params "--k" "v"', "--k=v\n"),
        ('MODE=m2; func_parser_params "k:m1=1|m2=4"', "4\n"),
        (
            "status_check 1 'python a.py' /dev/null picodet x.log",
            "\033[33m Run failed with command - picodet - python a.py - x.log  \033[0m\n",
        ),
    ],
)
def test_the_functions_of_paddledetection_answer_what_its_own_answer(root: Path, call: str, output: str) -> None:
    result = bash(root, call, "utils_func.sh")
    assert (result.stdout, result.returncode) == (output, 0)


def test_the_callers_ifs_is_left_alone(root: Path) -> None:
    script = (
        "IFS='|'; func_parser_value a:b > /dev/null; MODE=x; func_parser_params a:x=1 > /dev/null; "
        'func_parser_value_lite a=b = > /dev/null; printf %s "$IFS"'
    )
    assert bash(root, script).stdout == "|"
