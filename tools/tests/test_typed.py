"""A document's commands run as in the reader's shell, whatever runs the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.typed import typed

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

MAKEFILE = "answer:\n\t@echo 42\n"


def test_a_make_says_what_it_says_to_its_reader_when_a_make_runs_the_tests(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "Makefile").write_text(MAKEFILE, encoding="utf-8")
    for name, value in {"MAKELEVEL": "1", "MAKEFLAGS": "nw", "MFLAGS": "-n -w"}.items():
        monkeypatch.setenv(name, value)
    assert typed("make answer", folder=tmp_path) == "42\n"
