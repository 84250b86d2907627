"""What `kubectl paddle` makes of answers and words that nobody who means well would give it."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from paddle_serving_operator.plugin import live
from paddle_serving_operator.plugin.commands import watch
from paddle_serving_operator.plugin.main import run
from paddle_serving_operator.plugin.text import ORDERS, table, visible

from .test_plugin import kubectl
from .things import NEW, OLD, Json, event, pod, record, report, shifting

EVIL = "\x1b[0mplain\x1b]0;\x07\r\nnext\x9b0m\u202e"
"""Orders that change nothing on a terminal: an end of colours, an empty title."""

Answer = Callable[[dict[str, Json]], None]


@pytest.fixture
def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Lets kubectl answer: the first of these whose key is in the path that is asked for; a watch ends at once."""

    def answering(answers: dict[str, Json]) -> None:
        cases = []
        for number, (part, body) in enumerate(answers.items()):
            (tmp_path / f"{number}.json").write_text(json.dumps(body))
            cases.append(f"*{part}*) cat {number}.json ;;")
        kubectl(tmp_path, "\n".join(['case "$3" in *watch=true*) exit 0 ;;', *cases, "esac"]), monkeypatch)

    return answering


def listed(*items: Json) -> Json:
    return {"items": items, "metadata": {"resourceVersion": "7"}}


def evil() -> dict[str, Json]:
    service = shifting()
    service["status"] |= {"phase": "Failed"}  # so that who waits for an end has one
    service["status"]["conditions"][1]["message"] = EVIL
    told = report()
    body = json.loads(told["data"]["report.json"])
    body["comparisons"][0] |= {"sample": EVIL, "expected": EVIL}
    told["data"]["report.json"] = json.dumps(body)
    records = record(1, OLD, "a", {"model": {"digest": "x"}}), record(2, NEW, "b", {"model": {"digest": EVIL}})
    return {
        "paddleservices/ocr": service,
        "paddleservices": listed(service),
        "controllerrevisions": listed(*records),
        "configmaps": listed(told),
        "pods": listed(pod(f"ocr-{EVIL}", NEW)),
        "events": listed(event("RolloutStarted", EVIL, "2026-11-29T11:59:00Z")),
    }


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ("get", "Failed"),
        ("describe ocr", "HoldingStep: \\x1b[0mplain"),
        ("history ocr", "model.digest"),
        ("history ocr --revision 2", "plain"),
        ("diff ocr", "becomes \\x1b[0mplain"),
        ("report ocr", "\\x1b[0mplain"),
        ("watch ocr --until-done", "HoldingStep: \\x1b[0mplain"),
        ("wait ocr", "HoldingStep: \\x1b[0mplain"),
    ],
)
def test_nothing_that_others_wrote_is_an_order_to_the_terminal(
    answer: Answer, capsys: pytest.CaptureFixture[str], command: str, part: str
) -> None:
    answer(evil())
    run(["-n", "shop", *command.split()])
    printed = "".join(capsys.readouterr())
    assert part in printed
    assert not ORDERS.search(printed)
    assert not any(line.startswith("next") for line in printed.splitlines())


def test_nor_in_the_live_view(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(evil())
    drawn = io.StringIO()
    console = Console(file=drawn, width=200, color_system=None)
    monkeypatch.setattr(watch, "_show", lambda **_: live.LiveView(console))
    run(["-n", "shop", "watch", "ocr", "--until-done"])
    assert "HoldingStep: \\x1b[0mplain" in drawn.getvalue()
    assert not ORDERS.search(drawn.getvalue())


def test_json_has_everything_to_the_byte(answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    answer(evil())
    assert run(["-n", "shop", "describe", "ocr", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["events"][0]["message"] == EVIL


def test_watch_prints_a_line_of_json_for_each_change(answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    answer(evil())
    assert run(["-n", "shop", "watch", "ocr", "-o", "json", "--until-done"]) == 3
    (line,) = capsys.readouterr().out.splitlines()
    body = json.loads(line)
    assert (body["service"]["phase"], body["rollout"]["stage"]) == ("Failed", "Shifting")
    assert [one["revision"] for one in body["pods"]] == [NEW]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("get", "<html>log in</html>"),
        ("get", "7"),
        ("describe ocr", "[]"),
        ("undo ocr", '{"items": ['),
        ("watch ocr", "<html>log in</html>"),
    ],
)
def test_what_is_no_answer_of_an_api_server_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: str, command: str
) -> None:
    kubectl(tmp_path, f"echo '{said}'", monkeypatch)
    assert run(["-n", "shop", *command.split()]) == 1
    assert "error: The answer is not from an API server" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["get", "describe", "undo", "abort", "watch", "digest"])
def test_an_empty_name_is_no_name(answer: Answer, capsys: pytest.CaptureFixture[str], command: str) -> None:
    """As of a variable that is not set: it must not mean every service."""
    answer(evil())
    assert run(["-n", "shop", command, ""]) == 2
    assert "is empty. Give the name of a PaddleService." in capsys.readouterr().err


def test_a_revision_that_is_compared_with_itself_does_not_differ(
    answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(evil())
    assert run(["-n", "shop", "diff", "ocr", "--from", "1", "--to", "1"]) == 0
    assert capsys.readouterr().out == f"from 1 ({OLD}) to 1 ({OLD})\n  nothing on record differs\n"


def test_tables_know_how_wide_words_are() -> None:
    assert table(("A", "B"), [("文本", "x"), ("text", "y")]).splitlines() == ["A      B", "文本   x", "text   y"]


def test_lines_stay_lines_and_letters_letters() -> None:
    assert visible("ß 文 é\n\x1b[1m") == "ß 文 é\n\\x1b[1m"
