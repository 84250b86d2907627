"""Which library allocates memory in the processes that compute."""

import logging
from pathlib import Path

import pytest

from paddle_serving_runtime.supervisor.allocator import library_of, preloading


def test_the_first_place_that_has_the_library_is_taken(tmp_path: Path) -> None:
    missing, there, later = (tmp_path / name for name in ("missing.so", "there.so", "later.so"))
    there.touch()
    later.touch()
    assert library_of("tcmalloc", (missing, there, later)) == there


def test_system_is_no_library_wherever_there_is_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    there = tmp_path / "there.so"
    there.touch()
    assert library_of("system", (there,)) is None
    assert not caplog.records


def test_a_library_that_is_missing_is_told_once_with_what_to_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert library_of("tcmalloc", (tmp_path / "missing.so",)) is None
    (record,) = caplog.records
    assert "tcmalloc is not installed here" in record.getMessage()
    assert "apt-get install libtcmalloc-minimal4" in record.getMessage()


def test_what_is_preloaded_already_stays_behind_it() -> None:
    library = Path("/lib/a.so")
    assert preloading(library, {"A": "b"}).items() >= {"A": "b", "LD_PRELOAD": "/lib/a.so"}.items()
    assert preloading(library, {"LD_PRELOAD": "/lib/b.so"})["LD_PRELOAD"] == "/lib/a.so /lib/b.so"
    assert preloading(None, {"LD_PRELOAD": "/lib/b.so"}) == {"LD_PRELOAD": "/lib/b.so"}
