"""What was taken out of the serving image changes nothing that is in it: beside the same wheels, untrimmed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import sysconfig
import tarfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.lib import paddle_imports
from e2e.lib.cluster import ROOT, run
from e2e.lib.container import output_of, require_images
from e2e.lib.pods import PYTHON, RUNTIME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

pytestmark = pytest.mark.e2e

SITE_PACKAGES = "/opt/venv/lib/python3.11/site-packages"
NOT_IN_THE_IMAGE = {"paddle_serving_server/pipeline/gateway/libproxy_server.so"}
MANY = 100
MANY_MODULES = 1000


def wheels() -> Path:
    """The packages of this test's own environment: the versions of the lock file, as their wheels brought them."""
    return Path(sysconfig.get_path("purelib"))


def strip_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_strip", ROOT / "images" / "serving" / "build" / "strip.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def files_of_image(folder: str) -> Iterator[tarfile.TarFile]:
    """The folder's files as a stream, named relative to it."""
    require_images(RUNTIME)
    made = run(["docker", "create", RUNTIME]).strip()
    try:
        with subprocess.Popen(["docker", "cp", f"{made}:{folder}/.", "-"], stdout=subprocess.PIPE) as copying:
            with tarfile.open(fileobj=copying.stdout, mode="r|") as archive:
                yield archive
            assert copying.wait() == 0
    finally:
        run(["docker", "rm", made])


def is_library(name: str) -> bool:
    return name.endswith(".so") or ".so." in name


def test_the_loader_sees_every_native_library_as_its_wheel_brought_it() -> None:
    same_when_loaded = strip_script().same_when_loaded
    packages, compared, changed = set(), set(), []
    with files_of_image(SITE_PACKAGES) as files:
        for member in files:
            name = str(Path(member.name))
            if member.isreg():
                packages.add(Path(name).parts[0])
            if not member.isreg() or not is_library(name):
                continue
            stream = files.extractfile(member)
            assert stream is not None
            content, original = stream.read(), (wheels() / name).read_bytes()
            compared.add(name)
            if content != original and not same_when_loaded(original, content):
                changed.append(name)
    assert len(compared) > MANY
    assert changed == []
    brought = {
        str(path.relative_to(wheels()))
        for package in packages
        for path in [wheels() / package, *(wheels() / package).rglob("*")]
        if is_library(path.name) and path.is_file()
    }
    assert brought - compared == NOT_IN_THE_IMAGE


def test_every_public_module_of_paddle_imports_as_in_an_untrimmed_installation() -> None:
    program = Path(paddle_imports.__file__)
    here = json.loads(run([sys.executable, str(program)], timeout=180).splitlines()[-1])
    there = json.loads(output_of(PYTHON, "-c", program.read_text(encoding="utf-8")).splitlines()[-1])
    assert len(here) > MANY_MODULES
    assert {name: error for name, error in there.items() if here.get(name) != error} == {}
    assert here.keys() == there.keys()


def test_an_image_can_be_derived_with_a_package_of_debian(tmp_path: Path) -> None:
    require_images(RUNTIME)
    (tmp_path / "Dockerfile").write_text(
        f"FROM {RUNTIME}\nUSER 0\nRUN apt-get update && apt-get install -y --no-install-recommends libgl1\n"
        "USER 65532:65532\n"
    )
    made = run(["docker", "build", "--quiet", str(tmp_path)], timeout=300).strip().splitlines()[-1]
    try:
        done = run(["docker", "run", "--rm", "--entrypoint", "sh", made, "-c", "ldconfig -p | grep -c libGL.so.1"])
        assert int(done) == 1
    finally:
        run(["docker", "rmi", "--no-prune", made])
