"""Ports that two callers must not both take for theirs."""

import http.server
import subprocess
import sys
from pathlib import Path

import pytest

from tipc import ports


def test_a_port_is_given_once_although_no_server_listens_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the other caller is another process: what is left is the one port that nobody was given."""
    few = range(ports.free_port(), 32_768)[:3]
    monkeypatch.setattr(ports, "PORTS", few)
    given = {ports.free_port(besides=few[:1])}
    script = f"from tipc import ports; ports.PORTS = range({few.start}, {few.stop}); print(ports.free_port(), end='')"
    program = Path(ports.__file__).parents[1]
    other = subprocess.run([sys.executable, "-c", script], cwd=program, capture_output=True, text=True, check=True)
    given.add(int(other.stdout))
    assert given == set(few[1:])


def test_a_server_may_listen_on_its_port_at_once() -> None:
    port = ports.free_port()
    with http.server.HTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler) as server:
        assert server.server_port == port
        assert ports.answers_on(port)
