"""What docs/model-package.md says to type to publish a package gives one that `fetch` reads, from a real S3 server."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.s3_server import ACCESS_KEY, SECRET_KEY, Gateway
from paddle_serving_runtime.package.manifest import write
from tools.documents import ROOT, Block, command, not_executed
from tools.typed import typed

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

PAGE = "docs/model-package.md"
AWS = "awscli==1.42.40"
TO_AMAZON = command(PAGE, "aws s3 sync PACKAGE s3://models/ocr-rec/v2")
ELSEWHERE = command(PAGE, "aws s3 sync PACKAGE s3://models/ocr-rec/v2 --endpoint-url")
ARCHIVE = command(PAGE, "tar -C PACKAGE -czf - .")
FETCH = command(PAGE, "paddle-serving-runtime fetch --from-s3")
FILES = {"web_service.py": "print()", "golden/hello.json": "{}", "model/inference.pdiparams": "0123" * 1000}
Types = Callable[[Block, dict[str, str]], str]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    root = tmp_path / "package"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def types(server: Gateway, tmp_path: Path) -> Types:
    """Types a command with these replacements, Amazon's client on PATH and the server in Amazon's place."""
    uv = shutil.which("uv")
    assert uv is not None, "uv is missing: run the tests by make"
    programs = tmp_path / "bin"
    programs.mkdir()
    run = f"{uv} run --quiet --no-project --isolated --python {sys.executable} --with {AWS}"
    (programs / "aws").write_text(f'#!/bin/sh\nunset VIRTUAL_ENV\nexec {run} aws "$@"\n')
    (programs / "aws").chmod(0o755)
    variables = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server.endpoint,
        "HOME": str(tmp_path),
        "TERMINATION_LOG": str(tmp_path / "message"),
    }
    return lambda block, by: typed(block.replaced(by).text, more=variables, folder=tmp_path)


@pytest.mark.parametrize("upload", [TO_AMAZON, ELSEWHERE, ARCHIVE], ids=["amazon", "elsewhere", "archive"])
def test_what_was_published_is_fetched_complete(
    upload: Block, server: Gateway, package: Path, types: Types, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    digest, place = write(package), f"s3://models/{request.node.callspec.id}/v2"
    other = {"https://minio.example.com": server.endpoint} if upload is ELSEWHERE else {}
    types(upload, {"PACKAGE": str(package), "s3://models/ocr-rec/v2": place, **other})

    place += ".tar.gz" if upload is ARCHIVE else ""
    output, endpoint = tmp_path / "fetched", f"--s3-endpoint {server.endpoint} "
    named = {"s3://models/ocr-rec/v2 ": f"{place} {endpoint}", "sha256:...": digest, "/models/ocr-rec": str(output)}
    types(FETCH, named)
    assert {name: (output / name).read_text() for name in FILES} == FILES


def test_an_archive_for_any_server_of_files_has_the_package_in_it(package: Path, types: Types, tmp_path: Path) -> None:
    types(command(PAGE, "tar -C PACKAGE -czf ocr-rec-v2.tar.gz"), {"PACKAGE": str(package)})
    (tmp_path / "out").mkdir()
    shutil.unpack_archive(tmp_path / "ocr-rec-v2.tar.gz", tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_text() for name in FILES} == FILES


def test_the_line_for_minios_client_copies_the_same_to_the_same_place() -> None:
    words = not_executed(
        PAGE, "mc mirror", "MinIO's client is no Python package, and takes minutes to build"
    ).text.split()
    assert (words[2], words[3].partition("/")[2]) == tuple(TO_AMAZON.text.replace("s3://", "").split()[3:5])


def test_the_lines_for_other_clouds_name_what_their_sources_do() -> None:
    lines = (
        not_executed(PAGE, "gcloud storage rsync", "Google's client is no Python package, and asks Google alone"),
        not_executed(PAGE, "ossutil cp", "Alibaba's client is no Python package, and asks Alibaba alone"),
    )
    for line in lines:
        (place,) = (word for word in line.text.split() if "://" in word)
        assert f"uri: {place.rstrip('/')} " in (ROOT / PAGE).read_text(encoding="utf-8")
