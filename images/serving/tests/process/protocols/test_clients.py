"""The programs of docs/clients.md, each with the packages that it names, print what the document says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from e2e.go_program import GRPCURL, found
from images.serving.tests.process.protocols.test_document import on
from images.serving.tests.process.serve.conftest import Serving
from tools.documents import not_executed, printing

DOCUMENT = Path(__file__).resolve().parents[5] / "docs" / "clients.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
PYTHON = re.findall(
    r"^`pip install ([^`\n]+)`\n\n```python\n((?:(?!```).*\n)*)```\n```text\n((?:(?!```).*\n)*)```", TEXT, re.MULTILINE
)
NODE = re.findall(r"^```js\n((?:(?!```).*\n)*)```\n```text\n((?:(?!```).*\n)*)```", TEXT, re.MULTILINE)
(PROTOS,) = printing("docs/clients.md")
GO, JAVA = (
    re.search(rf"^```{language}\n((?:(?!```).*\n)*)```\n```text\n((?:(?!```).*\n)*)```", TEXT, re.MULTILINE)
    for language in ("go", "java")
)
(NPM,) = re.findall(r"^`npm install ([^`\n]+)`", TEXT, re.MULTILINE)
SECONDS = 300


def run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run(
        command, check=False, timeout=SECONDS, capture_output=True, text=True, cwd=folder, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of the document."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed; the JavaScript programs of docs/clients.md are not run")
    folder = tmp_path_factory.mktemp("node")
    run(["npm", "install", "--no-audit", "--no-fund", *NPM.split()], folder)
    return folder


def test_the_document_has_examples() -> None:
    assert len(PYTHON) == 4
    assert len(NODE) == 2


@pytest.mark.parametrize(("packages", "program", "printed"), PYTHON, ids=[example[0] for example in PYTHON])
def test_a_python_client_prints_what_the_document_says(
    housing: Serving, tmp_path: Path, packages: str, program: str, printed: str
) -> None:
    uv = shutil.which("uv")
    assert uv is not None, "uv is missing: run the tests by make"
    wanted = [flag for package in packages.split() for flag in ("--with", package)]
    command = [uv, "run", "--quiet", "--no-project", "--isolated", "--python", sys.executable, *wanted]
    said = run([*command, "python", "-W", "ignore", "-c", on(housing, program)], tmp_path)
    assert said == printed.strip()


@pytest.mark.parametrize(("program", "printed"), NODE, ids=range(len(NODE)))
def test_a_javascript_client_prints_what_the_document_says(
    housing: Serving, node: Path, program: str, printed: str
) -> None:
    grpcurl = found(GRPCURL)
    assert grpcurl is not None, "grpcurl is missing: make grpcurl"
    text = on(housing, PROTOS.replaced({"grpcurl ": f"{grpcurl} "}).text)
    assert run(["bash", "-c", text], node) == (PROTOS.commands[0].printed or "").strip()
    (node / "program.mjs").write_text(on(housing, program))
    assert run(["node", "program.mjs"], node) == printed.strip()


@pytest.mark.parametrize(
    ("found_in", "command", "file"), [(GO, ["go", "run"], "ask.go"), (JAVA, ["java"], "Ask.java")], ids=["go", "java"]
)
def test_a_client_of_a_standard_library_prints_what_the_document_says(
    housing: Serving, tmp_path: Path, found_in: re.Match[str] | None, command: list[str], file: str
) -> None:
    assert found_in is not None, "the document has no such program"
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed; the program of docs/clients.md is not run")
    (tmp_path / file).write_text(on(housing, found_in[1]))
    assert run([*command, file], tmp_path) == found_in[2].strip()


NEWER_C_LIBRARY = "its wheel is for glibc 2.38, and the tests run where older ones are, too"


def test_what_perf_analyzer_is_told_is_what_is_served(housing: Serving) -> None:
    assert not_executed("docs/clients.md", "pip install perf-analyzer==", NEWER_C_LIBRARY).text
    words = not_executed("docs/clients.md", "perf_analyzer", NEWER_C_LIBRARY).text.split()
    told = dict(zip(words[1::2], words[2::2], strict=True))
    assert (told["-i"], on(housing, told["-u"])) == ("grpc", housing.grpc)
    (tensor,) = requests.get(f"{housing.http}/v2/models/{told['-m']}", timeout=30).json()["inputs"]
    name, _, shape = told["--shape"].partition(":")
    assert (name, [int(number) for number in shape.split(",")][1:]) == (tensor["name"], tensor["shape"][1:])


INT64 = """
const inputs = [
  {name: "a", datatype: "INT64", shape: [1, 2]},
  {name: "b", datatype: "FP32", shape: [1, 2]},
  {name: "c", datatype: "BOOL", shape: [1, 2]},
];
const values = [new BigInt64Array([2n ** 61n + 1n, -3n]), new Float32Array(2), new Uint8Array(2)];
inputs.forEach((input, number) => input.parameters = {binary_data_size: values[number].byteLength});
const outputs = [{name: process.argv[3]}];
const header = JSON.stringify({inputs, outputs, parameters: {binary_data_output: true}});
const response = await fetch(process.argv[2], {
  method: "POST",
  headers: {"Inference-Header-Content-Length": String(header.length)},
  body: new Blob([header, ...values]),
});
const bytes = await response.arrayBuffer();
console.log(String(new BigInt64Array(bytes.slice(Number(response.headers.get("Inference-Header-Content-Length"))))));
"""
"""As the first program of the document, with bytes both ways."""


def test_int64_is_exact_in_javascript_as_bytes(plain: Serving, node: Path) -> None:
    outputs = requests.get(f"{plain.http}/v2/models/model", timeout=30).json()["outputs"]
    (twice,) = (output["name"] for output in outputs if output["datatype"] == "INT64")
    (node / "int64.mjs").write_text(INT64)
    said = run(["node", "int64.mjs", f"{plain.http}/v2/models/model/infer", twice], node)
    assert said == f"{2 * (2**61 + 1)},-6"
