"""Which library allocates memory in the processes that compute."""

import logging
from pathlib import Path

import pytest

from paddle_serving_runtime.supervisor.allocator import SYSTEM, Allocator, find_allocator, preloading


def test_the_first_place_that_has_the_library_is_taken(tmp_path: Path) -> None:
    missing, there, later = (tmp_path / name for name in ("missing.so", "there.so", "later.so"))
    there.touch()
    later.touch()
    found = find_allocator("tcmalloc", (missing, there, later))
    assert found.library == there
    assert found.as_json() == {"asked": "tcmalloc", "used": "tcmalloc", "reason": ""}


def test_system_is_no_library_wherever_there_is_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    there = tmp_path / "there.so"
    there.touch()
    found = find_allocator("system", (there,))
    assert found.as_json() == {"asked": "system", "used": "system", "reason": ""}
    assert found.library is None
    assert not caplog.records


def test_log_and_report_tell_of_a_library_that_is_missing_and_what_to_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        found = find_allocator("tcmalloc", (tmp_path / "missing.so",))
    (record,) = caplog.records
    assert "tcmalloc is not installed here" in record.getMessage()
    assert "apt-get install libtcmalloc-minimal4" in record.getMessage()
    assert found.as_json() == {"asked": "tcmalloc", "used": "system", "reason": record.getMessage()}


def test_what_is_preloaded_already_stays_behind_it() -> None:
    one = Allocator("tcmalloc", Path("/lib/a.so"))
    assert preloading(one, {"A": "b"}).items() >= {"A": "b", "LD_PRELOAD": "/lib/a.so"}.items()
    assert preloading(one, {"LD_PRELOAD": "/lib/b.so"})["LD_PRELOAD"] == "/lib/a.so /lib/b.so"
    assert preloading(SYSTEM, {"LD_PRELOAD": "/lib/b.so"}) == {"LD_PRELOAD": "/lib/b.so"}
