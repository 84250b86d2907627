"""The parts of `kubectl paddle` that need no cluster: words of kubectl, feeds, text, the live view."""

import io
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from rich.console import Console

from paddle_serving_operator.constants import POD
from paddle_serving_operator.plugin.cluster import part_path, path_of
from paddle_serving_operator.plugin.completion import candidates
from paddle_serving_operator.plugin.feed import Feed
from paddle_serving_operator.plugin.following import Duration
from paddle_serving_operator.plugin.kubectl import Kubectl
from paddle_serving_operator.plugin.live import screen
from paddle_serving_operator.plugin.main import run
from paddle_serving_operator.plugin.problems import Cause, KubectlError, kubectl_error
from paddle_serving_operator.plugin.text import pairs, table
from paddle_serving_operator.view.overview import Objects, overview

from .things import NEW, OLD, event, pod, record, report, shifting

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
SECONDS = 60.0


@pytest.mark.parametrize(
    ("words", "cause", "part"),
    [
        (
            "Error from server (NotFound): the server could not find the requested resource",
            Cause.NO_KIND,
            "helm install",
        ),
        ('Error from server (NotFound): pods "x" not found', Cause.NOT_FOUND, 'pods "x" not found.'),
        ('Error from server (Forbidden): pods is forbidden: User "a"', Cause.FORBIDDEN, "the right that is named"),
        ("Error from server (Conflict): Operation cannot be fulfilled", Cause.CONFLICT, "repeat the command"),
        ("error: You must be logged in to the server (Unauthorized)", Cause.UNAUTHORIZED, "Log in again"),
        (
            "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?",
            Cause.UNREACHABLE,
            "right host or port? Start the cluster",
        ),
        (
            "Unable to connect to the server: dial tcp: lookup nowhere: no such host",
            Cause.UNREACHABLE,
            "choose another",
        ),
        ("Unable to connect to the server: net/http: TLS handshake timeout", Cause.UNREACHABLE, "TLS handshake"),
        ('The PaddleService "x" is invalid: spec.model: Required value', Cause.INVALID, "spec.model: Required value."),
        ('error: context "nope" does not exist', Cause.OTHER, 'context "nope" does not exist.'),
        ("", Cause.OTHER, "kubectl failed without a word."),
    ],
)
def test_the_words_of_kubectl_become_cause_and_cure(words: str, cause: Cause, part: str) -> None:
    found = kubectl_error(f"{words}\n")
    assert found.cause is cause
    assert part in str(found)


def kubectl(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Kubectl:
    """A kubectl that is a shell script; `$#` and `$*` are what it was asked."""
    program = folder / "kubectl"
    program.write_text(f"#!/bin/sh\ncd {folder}\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return Kubectl([], "30s")


def until(feed: Feed, what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"not within {SECONDS:g} s: {what}; lists {feed.lists}, {feed.problem}"
        feed.take(0.1)


LIST = """{"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"uid": "a", "name": "one"}}]}"""


def names(feed: Feed) -> list[str]:
    return [item["metadata"]["name"] for item in feed.lists.get("things", ())]


def test_a_feed_follows_what_is_added_changed_and_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"""case "$3" in
*watch=true*resourceVersion=7*) mkfifo going 2>/dev/null
  echo '{{"type": "ADDED", "object": {{"metadata": {{"uid": "b", "name": "two"}}}}}}'
  echo '{{"type": "MODIFIED", "object": {{"metadata": {{"uid": "a", "name": "first"}}}}}}'
  exec cat going ;;
*) echo '{LIST}' ;;
esac"""
    with Feed(kubectl(tmp_path, script, monkeypatch), {"things": "/things?x=y"}) as feed:
        until(feed, "both are there", lambda: names(feed) == ["first", "two"])
        with (tmp_path / "going").open("w") as going:
            going.write('{"type": "DELETED", "object": {"metadata": {"uid": "a"}}}\n')
            going.flush()
            until(feed, "one is gone", lambda: names(feed) == ["two"])


def test_a_feed_lists_anew_when_a_watch_ends_and_tells_troubles_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"""n=$(cat n 2>/dev/null || echo 0)
case "$3" in *watch=true*) exit 0 ;; esac
echo $((n + 1)) > n
case $n in
0) echo '{LIST}' ;;
1) echo 'Unable to connect to the server: EOF' >&2; exit 1 ;;
*) echo '{LIST.replace("one", "again")}' ;;
esac"""
    with Feed(kubectl(tmp_path, script, monkeypatch), {"things": "/things"}) as feed:
        until(feed, "the first list", lambda: names(feed) == ["one"])
        until(feed, "the trouble is told", lambda: "Unable to connect" in str(feed.problem))
        assert names(feed) == ["one"], "what was known is still shown"
        until(feed, "it is over", lambda: names(feed) == ["again"] and feed.problem is None)


def test_a_feed_that_never_got_a_list_raises_the_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "echo 'Error from server (Forbidden): no' >&2; exit 1"
    with (
        Feed(kubectl(tmp_path, script, monkeypatch), {"things": "/things"}) as feed,
        pytest.raises(KubectlError) as told,
    ):
        until(feed, "a list", lambda: bool(feed.lists))
    assert told.value.cause is Cause.FORBIDDEN


def test_what_a_log_in_says_goes_on_to_the_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    script = "echo 'Visit https://login.example and enter ABCD' >&2; echo '{}'"
    assert kubectl(tmp_path, script, monkeypatch).get("/x") == {}
    assert "enter ABCD" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("script", "namespace"),
    [("echo shop", "shop"), ("printf ''", "default"), ("echo 'error: no context' >&2; exit 1", "default")],
)
def test_the_namespace_is_that_of_the_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, namespace: str
) -> None:
    assert kubectl(tmp_path, script, monkeypatch).namespace() == namespace


def test_flags_that_choose_cluster_and_account_go_to_kubectl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kubectl(tmp_path, """echo "$*" > asked; echo '{"items": []}'""", monkeypatch)
    chosen = ["--context", "c", "--kubeconfig", "k", "--cluster", "l", "--user", "u", "--as", "a"]
    assert run([*chosen, "-n", "shop", "--request-timeout", "5s", "get", "--context", "nearer"]) == 0
    assert (tmp_path / "asked").read_text().split() == [
        "get", "--raw", "/apis/serving.paddlepaddle.org/v1alpha1/namespaces/shop/paddleservices",
        "--request-timeout=5s", "--kubeconfig=k", "--context=nearer", "--cluster=l", "--user=u", "--as=a",
    ]  # fmt: skip
    assert 'There is no PaddleService in namespace "shop".' in capsys.readouterr().err


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise BrokenPipeError

    kubectl(tmp_path, """echo '{"items": [{"metadata": {"name": "ocr"}}]}'""", monkeypatch)
    monkeypatch.setattr(click, "echo", full)
    monkeypatch.setattr("os.dup2", lambda *_: None)
    assert run(["-n", "shop", "get"]) == 0


def test_paths_are_quoted() -> None:
    assert path_of(POD, "a b", "c/d") == "/api/v1/namespaces/a%20b/pods/c%2Fd"
    assert part_path("pods", "shop", "ocr") == (
        "/api/v1/namespaces/shop/pods?labelSelector=serving.paddlepaddle.org%2Fservice%3Docr"
    )


def test_completion_answers_in_the_form_of_kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubectl(
        tmp_path, """echo '{"items": [{"metadata": {"name": "ocr"}, "status": {"phase": "Failed"}}]}'""", monkeypatch
    )
    assert candidates(["undo", "-n", "shop", ""]) == "ocr\tFailed\n:4"
    assert candidates(["get", "ocr", "-n", "shop", ""]) == ":4", "it is there already"
    assert candidates(["hist"]) == "history\tShow the revisions on record.\n:4"
    assert candidates(["get", "--all"]) == "--all-namespaces\tIn all namespaces.\n:4"
    assert candidates([]).count("\n") == 14


def test_revisions_are_completed_for_the_service_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = '{"items": [{"revision": 9, "data": {"modelDigest": "x"}}, {"revision": 10, "data": {}}]}'
    kubectl(tmp_path, f"""echo "$3" > asked; echo '{listed}'""", monkeypatch)
    assert candidates(["undo", "-n", "shop", "ocr", "--to-revision", ""]) == "10\n9\tx\n:4"
    assert (tmp_path / "asked").read_text().endswith("service%3Docr\n")


@pytest.mark.parametrize("words", [["nonsense", ""], ["get", "--nonsense", ""]])
def test_completion_of_nonsense_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    kubectl(tmp_path, "exit 1", monkeypatch)
    assert candidates(words).endswith(":4")


def test_tables_stand_under_their_heads_and_have_no_empty_cells() -> None:
    assert table(("A", "BB"), [("long", None), ("", "x")], "  ") == "  A      BB\n  long   -\n  -      x"
    assert pairs([("Name", "ocr"), ("Longer", 2), ("Gone", ""), ("None", None)]) == "Name:     ocr\nLonger:   2"


def test_a_duration_that_is_none_says_how_to_write_one() -> None:
    with pytest.raises(click.BadParameter, match=r"'soon' is no time\. Write 90s, 15m or 1h30m\."):
        Duration().convert("soon", None, None)


@pytest.mark.parametrize("width", [120, 80, 60, 40])
def test_the_live_view_fits_and_has_what_matters(width: int) -> None:
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    objects = Objects(
        shifting(),
        (record(1, OLD, "a"), record(2, NEW, "b")),
        (report(),),
        tuple(pod(f"ocr-{number}", OLD, **ready) for number in range(15)),
        (event("RolloutStarted", "It is started.", "2026-11-29T11:59:00Z"),),
    )
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(screen(overview(objects, NOW), NOW, "The connection is lost.", width))
    text = console.export_text()
    assert max(len(line) for line in text.splitlines()) <= width
    said = ("37s of 60s left", "HoldingStep: ", "1 of 3 golden samples answered", "The connection is lost.")
    for part in (
        "ocr in shop",
        f"1 {OLD}",
        f"2 {NEW}",
        "80%",
        "20%",
        "2/2",
        "and 3 more pods",
        "RolloutStarted",
        *said,
    ):
        assert part in text, part
