"""Processes start while a package's files are verified, and load nothing of it before: however long that takes."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from images.serving.tests.process.serve.conftest import PRICE, SERVICE, Start, request_body
from paddle_serving_runtime.package import manifest

SECONDS_TO_READ = 3_000_000_000
"""Bytes of a file that is read before the others: for longer than Paddle takes to import."""

NEVER_READ = 1 << 40
"""Bytes that take a quarter of an hour."""


def empty_file(path: Path, size: int) -> None:
    """A file of so many zeros, which take no room."""
    with path.open("wb") as file:
        file.truncate(size)


@pytest.mark.parametrize("flags", [(), ("--backend", "Auto"), ("--engine", "pipeline")], ids=" ".join)
def test_a_service_that_is_not_the_reviewed_one_never_runs(
    serve: Start, make_package: Callable[..., Path], tmp_path: Path, flags: tuple[str, ...]
) -> None:
    recorded = {"answer": {"price": [[PRICE]]}}  # else Auto tries nothing
    package, mark = (
        make_package(golden={"hello.json": request_body(), "expected/hello.json": recorded}),
        tmp_path / "ran",
    )
    empty_file(package / "a.bin", SECONDS_TO_READ)
    digest = manifest.write(package)
    (package / "web_service.py").write_text(f"open({str(mark)!r}, 'w').close()\n{SERVICE}")
    serving = serve(package, "--digest", digest, *flags)
    assert serving.wait_exit() == 1, serving.tail()
    assert serving.message().startswith("DigestMismatch: ")
    assert "web_service.py has changed" in serving.message()
    assert not mark.exists()


def test_nothing_is_imported_from_a_package_in_whose_folder_it_is_started(
    serve: Start, make_package: Callable[..., Path], tmp_path: Path
) -> None:
    package, mark = make_package(), tmp_path / "ran"
    digest = manifest.write(package)
    (package / "uvloop.py").write_text(f"open({str(mark)!r}, 'w').close()")
    serving = serve(package, "--digest", digest, prefix=("env", "--chdir", str(package)))
    assert serving.wait_exit() == 1, serving.tail()
    assert "uvloop.py is not in" in serving.message()
    assert not mark.exists()


def test_who_stops_it_does_not_wait_for_a_large_package(serve: Start, make_package: Callable[..., Path]) -> None:
    package = make_package()
    manifest.write(package)
    empty_file(package / "a.bin", NEVER_READ)
    listed = package / manifest.MANIFEST
    listed.write_text(f"{'0' * 64}  a.bin\n{listed.read_text()}")
    serving = serve(package, "--digest", f"sha256:{manifest.file_digest(listed)}")
    children = Path(f"/proc/{serving.process.pid}/task/{serving.process.pid}/children")
    serving.wait_for(lambda: bool(children.read_text()), "its first process")
    serving.process.send_signal(signal.SIGTERM)
    assert serving.wait_exit() == 0, serving.tail()
