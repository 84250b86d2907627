from pathlib import Path

import requests

from benchmarks.model_cache import store
from benchmarks.model_cache_table import table


def row(cache: str, turn: int, fetch: float, serve: float) -> dict[str, object]:
    return {"cache": cache, "round": turn, "fetch_seconds": fetch, "serve_seconds": serve}


def test_the_pod_that_fills_the_cache_is_not_among_those_that_use_it() -> None:
    rows = [row("without", 0, 99.0, 9.0), row("with", 0, 24.0, 4.0)]
    rows += [row("without", turn, 18.0 + turn, 2.0) for turn in (1, 2, 3)]
    rows += [row("with", turn, 3.0, 2.0) for turn in (1, 2, 3)]
    lines = table({"rows": rows}).splitlines()
    assert lines[-5:] == [
        "| without a cache | 20.0 | 2.0 | 22.0 |",
        "| with a cache, the first pod | 24.0 | 4.0 | 28.0 |",
        "| with a cache, every further pod | 3.0 | 2.0 | 5.0 |",
        "",
        "A further pod takes 0.23 of the time without a cache.",
    ]


def test_a_mounted_image_is_beside_a_copied_one() -> None:
    rows = [row(kind, turn, 9.0, 1.0) for turn in (0, 1) for kind in ("without", "with")]
    rows += [
        row("copied", 0, 99.0, 9.0),
        row("copied", 1, 6.0, 2.0),
        row("mounted", 0, 0.0, 9.0),
        row("mounted", 1, 0.0, 3.0),
    ]
    lines = table({"rows": rows}).splitlines()
    assert lines[-4:-2] == [
        "| with a model image that is copied | 6.0 | 2.0 | 8.0 |",
        "| with a model image that is mounted | 0.0 | 3.0 | 3.0 |",
    ]
    assert lines[-1].endswith("A mounted image takes 0.38 of the time of a copied one.")


def test_the_store_sends_the_archive_as_it_is(tmp_path: Path) -> None:
    archive = tmp_path / "package.tar"
    archive.write_bytes(bytes(range(256)) * 9000)
    with store(archive) as url:
        assert requests.get(url, timeout=10).content == archive.read_bytes()
