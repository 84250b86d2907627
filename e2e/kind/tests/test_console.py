import time
from io import StringIO

import pytest

from e2e.kind.console import Console, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0s"), (9.94, "9.9s"), (9.96, "10s"), (59.6, "1m00s"), (200, "3m20s"), (3720, "1h02m")],
)
def test_times_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_quick_step_is_one_line_with_its_result_and_time(output: StringIO) -> None:
    with Console(output).step("kind") as step:
        step.result = "0.33.0"
    assert output.getvalue().split() == ["0.0s", "kind:", "0.33.0", "(0.0s)"]


def test_a_long_step_gives_signs_of_life_that_name_what_it_does(output: StringIO) -> None:
    deadline = time.monotonic() + 60
    with Console(output, signs_of_life=(0.01, 0.01)).step("kind") as step:
        step.doing = "building kind"
        while output.getvalue().count("building kind ... ") < 2:
            assert time.monotonic() < deadline, output.getvalue()
            time.sleep(0.01)


def test_a_step_that_fails_says_so(output: StringIO) -> None:
    with pytest.raises(ValueError, match="disk"), Console(output).step("kind"):
        raise ValueError("disk")
    assert "kind: FAILED" in output.getvalue()
