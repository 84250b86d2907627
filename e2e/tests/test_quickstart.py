"""`make quickstart`: what it says when it cannot go on, and by hand the whole, which types what documents show."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e import quickstart
from e2e.commands import StepError, output, require_free_port, run
from e2e.lib import session
from e2e.lib.reader import comparable, typed_by
from e2e.lib.service import KIND
from e2e.ports import free_ports
from e2e.steps import Steps
from tools.documents import ROOT, command, printing
from tools.typed import typed

if TYPE_CHECKING:
    from e2e.lib.cluster import Cluster, Namespace

WITHOUT_A_CLUSTER = "Without a cluster"
WHOLE_SECONDS = 500.0


def test_a_port_in_use_is_refused_before_anything_is_built() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StepError) as refused:
            quickstart.quickstart(port, Steps(total=7))
    assert f"127.0.0.1:{port} cannot be used" in str(refused.value)
    assert f"make quickstart PORT={port + 1}" in str(refused.value)


def test_a_port_that_was_used_a_moment_ago_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        connection, _ = server.accept()
        connection.close()
        port = server.getsockname()[1]
    require_free_port(port)


def test_a_failing_command_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StepError, match="`false --loudly` failed"):
        run("false", "--loudly")
    assert "$ false --loudly" in capfd.readouterr().out


def test_the_error_output_of_a_silent_command_is_in_the_sentence() -> None:
    with pytest.raises(StepError, match="no such thing"):
        output("sh", "-c", "echo no such thing >&2; exit 1")


def test_the_environment_of_the_cluster_is_this_one_and_what_its_shell_lines_add(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = dict(os.environ)
    monkeypatch.setenv("PADDLE_SERVING_CACHE", "/cache of mine")
    monkeypatch.setenv("LINES", "one\ntwo")
    environment = quickstart.cluster_environment()
    assert environment["PATH"].startswith("/cache of mine/kind/bin:")
    assert environment["PATH"].endswith(here["PATH"])
    assert environment["KUBECONFIG"].startswith("/cache of mine/kind/clusters/")
    assert environment["LINES"] == "one\ntwo"


def test_steps_are_timed_and_a_failed_one_is_not_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps(total=2)
    with steps.step("first"):
        pass
    with pytest.raises(ValueError, match="broken"), steps.step("second"):
        raise ValueError("broken")
    steps.write(tmp_path / "new" / "times.json")
    assert list(json.loads((tmp_path / "new" / "times.json").read_text())["steps"]) == ["first"]
    assert "[1/2] first" in capsys.readouterr().out


def test_the_document_shows_what_it_says_at_its_end() -> None:
    assert quickstart.NEXT.format(port=8080).strip() in (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")


@pytest.mark.by_hand
@pytest.mark.timeout(WHOLE_SECONDS + session.GONE_SECONDS)
def test_the_whole_types_what_the_documents_show(cluster: Cluster, operator: Namespace) -> None:
    default = cluster.namespace("default")
    assert default.find(KIND, "ocr-rec") is None, "somebody else's, which this test would remove"
    port = f"make quickstart PORT={free_ports(1)[0]}"
    try:
        block = command("README.md", "make quickstart").replaced({"make quickstart": port})
        said = typed(block.text, seconds=WHOLE_SECONDS)
    finally:
        default.kubectl("delete", "paddleservice", "ocr-rec", "--ignore-not-found")
        assert session.install_operator(cluster).name == operator.name
    shown = [block for block in printing("docs/quickstart.md") if block.heading != WITHOUT_A_CLUSTER]
    assert typed_by(said) == [comparable(block.text) for block in shown]
    assert {comparable(block.text) for block in printing("README.md")} <= set(typed_by(said))
    assert "Consistent, verdict Recorded. Samples: 3, tensors: 12" in said
