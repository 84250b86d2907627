import io

import pytest
from typing_extensions import override

from paddle_serving_runtime.cli.progress import ProgressBar


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


@pytest.fixture
def times() -> list[float]:
    return [0.0]


def test_a_terminal_has_a_bar_that_grows_and_goes(times: list[float]) -> None:
    stream = Terminal()
    progress = ProgressBar(60, stream, lambda: times[-1])
    times.append(15.0)
    progress.say("a long thing")
    times.append(90.0)
    progress.say("late")
    progress.end()
    _, first, second, gone, rest = stream.getvalue().split("\r")
    assert first == f"[{'#' * 6}{'.' * 18}] 15 s of 60  a long thing"
    assert second.rstrip() == f"[{'#' * 24}] 90 s of 60  late"
    assert (len(second), gone.strip(), rest) == (len(first), "", "")


def test_elsewhere_it_is_a_line_for_each_thing_however_often_it_is_said(times: list[float]) -> None:
    stream = io.StringIO()
    progress = ProgressBar(60, stream, lambda: times[-1])
    for now in (7.0, 8.0):
        times.append(now)
        progress.say("loading")
    progress.say("running")
    progress.end()
    assert stream.getvalue() == "[   7 s of 60] loading\n[   8 s of 60] running\n"
