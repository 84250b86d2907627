"""What the quickstart says when it cannot go on; the whole of it is run by hand and by the README's reader."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from e2e import quickstart
from e2e.steps import Steps


def test_a_port_in_use_is_refused_before_anything_is_built() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(quickstart.QuickstartError) as refused:
            quickstart.quickstart(port, Steps(total=7))
    assert f"127.0.0.1:{port} cannot be used" in str(refused.value)
    assert f"make quickstart PORT={port + 1}" in str(refused.value)


def test_a_port_that_was_used_a_moment_ago_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        connection, _ = server.accept()
        connection.close()
        port = server.getsockname()[1]
    quickstart.require_free_port(port)


def test_a_failing_command_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(quickstart.QuickstartError, match="`false --loudly` failed"):
        quickstart.run("false", "--loudly")
    assert "$ false --loudly" in capfd.readouterr().out


def test_the_error_output_of_a_silent_command_is_in_the_sentence() -> None:
    with pytest.raises(quickstart.QuickstartError, match="no such thing"):
        quickstart.output("sh", "-c", "echo no such thing >&2; exit 1")


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
