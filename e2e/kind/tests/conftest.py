import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from e2e.kind.cache import Cache
from e2e.kind.console import Console

Fake = Callable[..., Path]
HARMLESS = ("cat", "grep", "sed", "sleep")


class Calls:
    """What the fake programs were called with, one line a call."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def of(self, *words: str) -> list[str]:
        return [line for line in self.lines() if line.split()[: len(words)] == list(words)]


@pytest.fixture
def calls(tmp_path: Path) -> Calls:
    return Calls(tmp_path / "calls")


@pytest.fixture
def fake(tmp_path: Path, calls: Calls, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Puts a program on PATH, whose body is a shell script. Nothing else is there but what such scripts need."""
    folder = tmp_path / "path"
    folder.mkdir()
    for name in HARMLESS:
        (folder / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))

    def write(name: str, body: str = "exit 0") -> Path:
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> "{calls.path}"\n{body}\n')
        program.chmod(0o755)
        return program

    return write


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setenv("PADDLE_SERVING_CACHE", str(tmp_path / "cache"))
    cache = Cache(tmp_path / "cache" / "kind")
    cache.prepare()
    return cache


@pytest.fixture
def output() -> StringIO:
    return StringIO()


@pytest.fixture
def console(output: StringIO) -> Console:
    return Console(output)


@pytest.fixture(autouse=True)
def no_engine_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A test that forgets its fake docker must not reach a real engine."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-such-engine.sock")
    for name in ("XDG_CACHE_HOME", "PADDLE_SERVING_CLUSTER", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(os.environ, "HOME", str(tmp_path / "home"))
