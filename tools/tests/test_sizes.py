import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SIZES = Path(__file__).parent.parent / "sizes.py"
Check = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Status and lines of the check of a repository with these files, of which those of `untracked` are not git's."""

    def run(files: dict[str, str], untracked: tuple[str, ...] = ()) -> tuple[int, list[str]]:
        subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        subprocess.run(["git", "-C", tmp_path, "add", *files.keys() - {*untracked}], check=True)
        done = subprocess.run([sys.executable, SIZES, tmp_path], capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.returncode, done.stdout.splitlines()

    return run


def function(lines: int, start: str = "def long():", indent: str = "") -> str:
    return f"{indent}{start}\n" + f"{indent}    pass\n" * (lines - 1)


def test_what_is_as_long_as_allowed_passes(check: Check) -> None:
    assert check({"module.py": "x = 1\n" * 300, "function.py": function(40)}) == (0, [])


def test_a_module_that_is_too_long_is_named(check: Check) -> None:
    assert check({"module.py": "x = 1\n" * 301}) == (1, ["module.py:1: the module has 301 lines, the limit is 300"])


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (function(41), 1),
        (function(41, "async def long():"), 1),
        ("class A:\n" + function(41, indent="    "), 2),
        ("def outer():\n    return 1\n\n\n@decorated\n" + function(41), 6),
    ],
    ids=["function", "coroutine", "method", "decorated"],
)
def test_a_function_that_is_too_long_is_named_with_its_line(check: Check, source: str, line: int) -> None:
    assert check({"a.py": source}) == (1, [f"a.py:{line}: long has 41 lines, the limit is 40"])


def test_a_function_counts_what_is_defined_in_it(check: Check) -> None:
    inner = function(39, "def inner():", indent="    ")
    assert check({"a.py": f"def outer():\n{inner}    return inner\n"}) == (
        1,
        ["a.py:1: outer has 41 lines, the limit is 40"],
    )


def test_the_table_of_cases_above_a_test_does_not_count(check: Check) -> None:
    table = "@parametrize([\n" + "    1,\n" * 50 + "])\n"
    assert check({"a.py": table + function(40)}) == (0, [])


def test_files_that_are_not_of_the_repository_are_left_alone(check: Check) -> None:
    assert check({"mine.py": "x = 1\n", "scratch.py": function(41)}, untracked=("scratch.py",)) == (0, [])
