import subprocess
from pathlib import Path

import pytest


def bash(root: Path, script: str) -> subprocess.CompletedProcess[str]:
    command = f"source {root}/test_tipc/common_func.sh; {script}"
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=20)


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


def test_the_callers_ifs_is_left_alone(root: Path) -> None:
    script = (
        "IFS='|'; func_parser_value a:b > /dev/null; MODE=x; func_parser_params a:x=1 > /dev/null; printf %s \"$IFS\""
    )
    assert bash(root, script).stdout == "|"
