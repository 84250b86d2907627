"""The examples of docs/protocols.md print what the document says they print."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.go_program import GRPCURL, found
from images.serving.tests.process.serve.conftest import Serving
from tools.documents import printing

DOCUMENT = Path(__file__).resolve().parents[5] / "docs" / "protocols.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n((?:(?!```).*\n)*)```\n```text\n((?:(?!```).*\n)*)```", TEXT, re.MULTILINE)
COMMANDS = [(block.text, block.commands[0].printed or "") for block in printing("docs/protocols.md")]


def on(serving: Serving, text: str) -> str:
    """The text with the ports of a service that runs."""
    text = text.replace("http://127.0.0.1:8080", serving.http).replace("127.0.0.1:9000", serving.grpc)
    return text.replace("127.0.0.1:8080", serving.http.removeprefix("http://"))


def output(serving: Serving, text: str, *command: str) -> str:
    done = subprocess.run(
        [*command, on(serving, text)],
        check=False,
        timeout=300,
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_document_has_examples() -> None:
    assert len(PROGRAMS) >= 3
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize(("program", "printed"), PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_prints_what_the_document_says(housing: Serving, program: str, printed: str) -> None:
    assert output(housing, program, sys.executable, "-W", "ignore", "-c") == printed.strip()


@pytest.mark.parametrize(("command", "answer"), COMMANDS, ids=range(len(COMMANDS)))
def test_a_command_prints_what_the_document_says(housing: Serving, command: str, answer: str) -> None:
    tool, arguments = command.split(maxsplit=1)
    program, remedy = (found(GRPCURL), "make grpcurl") if tool == "grpcurl" else (shutil.which(tool), f"install {tool}")
    assert program is not None, f"{tool} is missing: {remedy}"
    assert output(housing, f"{program} {arguments}", "bash", "-c") == answer.strip()
