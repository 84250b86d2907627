"""What documents say to type beside a server: digest, verify and tune, on real packages."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from images.serving.tests.process.serve.conftest import PRICE, request_body, start_serving
from paddle_serving_runtime.package import manifest
from tools.documents import command, commands
from tools.typed import typed

DIGEST = re.compile(r"sha256:[0-9a-f]{64}\n")


def test_digest_writes_the_manifest_and_prints_the_digest(package: Path, tmp_path: Path) -> None:
    concepts = command("docs/concepts.md", "paddle-serving-runtime digest PACKAGE")
    migration = command("docs/migration.md", "paddle-serving-runtime digest .")
    copied = shutil.copytree(package, tmp_path / "package")
    (copied / manifest.MANIFEST).unlink(missing_ok=True)
    printed = typed(concepts.replaced({"PACKAGE": "package"}).text, folder=tmp_path)
    assert DIGEST.fullmatch(printed)
    assert printed.strip() == manifest.write(copied)
    assert typed(migration.text, folder=copied) == printed


def test_a_report_is_signed_with_a_new_pair_of_keys_and_one_that_was_altered_is_told_as_shown(
    make_package: Callable[..., Path], tmp_path: Path
) -> None:
    golden = {"hello.json": request_body(), "zeros.json": request_body([0.0] * 13)}
    golden["expected/hello.json"] = {"answer": {"price": [[PRICE]]}}
    shutil.move(make_package(golden=golden), tmp_path / "ocr-rec")
    typed(command("docs/evidence.md", "openssl genpkey").text, folder=tmp_path)
    typed(command("docs/evidence.md", "openssl pkey").text, folder=tmp_path)
    flags = ("--workers", "1", "--signing-key", str(tmp_path / "ed25519.pem"))
    serving = start_serving(tmp_path, tmp_path / "ocr-rec", *flags)
    try:
        report = serving.wait_ready().get("/report").json()
    finally:
        serving.kill()
    assert report["signature"]["publicKey"] in (tmp_path / "ed25519.pub.pem").read_text()
    shown = command("docs/evidence.md", "paddle-serving-runtime verify report.json")
    (tmp_path / "report.json").write_text(json.dumps(report))
    assert "Confirmed, verdict " in typed(shown.text, folder=tmp_path)

    del report["signature"]
    next(entry for entry in report["comparisons"] if entry["against"] == "recorded")["got"] = "18.5"
    (tmp_path / "report.json").write_text(json.dumps(report | {"paddleVersion": "3.2.0"}))
    said = typed(shown.text, folder=tmp_path, code=3).splitlines()
    assert [kind(line) for line in said] == [kind(line) for line in (shown.commands[0].printed or "").splitlines()]


def kind(line: str) -> str:
    """What a line of `verify` is about."""
    return re.sub(r"\d[\d.]*", "N", line.partition(": sample")[0])


@pytest.mark.timeout(400)
def test_tune_prints_a_table_and_the_lines_to_paste(package: Path, tmp_path: Path) -> None:
    block = commands("docs/tune.md", "paddle-serving-runtime tune DIR")
    short = {"tune DIR": f"tune {package} --seconds 15 --cpus 1 --backends Default"}
    said = typed(block.replaced(short).text, folder=tmp_path)
    assert "REQUESTS/S" in said
    assert "engine:" in said
    assert (tmp_path / "tune.png").is_file()
