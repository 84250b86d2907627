from pathlib import Path

import pytest

from paddle_serving_runtime.tuning.machine import available_mib


@pytest.mark.parametrize(("limit", "mib"), [("max", 4096), (str(2**30), 768), (str(2**40), 4096), (None, 4096)])
def test_the_machine_or_the_containers_limit_whichever_leaves_less(tmp_path: Path, limit: str | None, mib: int) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:       16000000 kB\nMemAvailable:    4194304 kB\n")
    if limit is not None:
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        (tmp_path / "memory.current").write_text(f"{256 * 2**20}\n")
    assert available_mib(tmp_path, tmp_path) == mib
