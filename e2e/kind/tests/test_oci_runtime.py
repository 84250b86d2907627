import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from e2e.kind.engine import RUNTIME
from e2e.kind.tests.conftest import Calls, Fake

GRANTED, IMPOSSIBLE = "CAP_CHOWN", "CAP_OF_A_LATER_KERNEL"


def process() -> dict[str, Any]:
    return {"args": ["sh"], "capabilities": {"bounding": [GRANTED, IMPOSSIBLE], "ambient": [IMPOSSIBLE]}}


def run(*args: str, cwd: Path) -> None:
    subprocess.run([sys.executable, RUNTIME, *args], cwd=cwd, check=True)


@pytest.fixture(autouse=True)
def runc(fake: Fake) -> None:
    fake("runc")


@pytest.mark.parametrize("option", [["--bundle", "{}"], ["--bundle={}"], ["-b", "{}"]])
def test_a_container_is_created_without_what_the_host_cannot_grant(
    tmp_path: Path, calls: Calls, option: list[str]
) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "config.json").write_text(json.dumps({"root": {"path": "rootfs"}, "process": process()}))
    args = ["--log", "log.json", "create", *(word.format(bundle) for word in option), "box"]
    run(*args, cwd=tmp_path)
    spec = json.loads((bundle / "config.json").read_text())
    assert spec["process"] == {"args": ["sh"], "capabilities": {"bounding": [GRANTED], "ambient": []}}
    assert spec["root"] == {"path": "rootfs"}
    assert calls.lines() == [f"runc {' '.join(args)}"]


def test_a_privileged_exec_is_trimmed_too(tmp_path: Path) -> None:
    path = tmp_path / "process.json"
    path.write_text(json.dumps(process()))
    run("exec", "--process", str(path), "box", cwd=tmp_path)
    assert json.loads(path.read_text())["capabilities"] == {"bounding": [GRANTED], "ambient": []}


def test_everything_else_goes_to_runc_as_it_is(tmp_path: Path, calls: Calls) -> None:
    run("state", "create-no-file-here", cwd=tmp_path)
    assert calls.lines() == ["runc state create-no-file-here"]
