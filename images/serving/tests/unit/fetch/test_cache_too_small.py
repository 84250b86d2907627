"""A cache that is smaller than a package keeps nobody waiting, and says what to do."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from images.serving.tests.unit.fetch.test_cache import cache, made, never
from paddle_serving_runtime.fetch.cache import Cache
from paddle_serving_runtime.fetch.transfer import Progress


def side_by_side(folder: Path, limit: int, bring: Callable[[Path, Progress], None], digest: str) -> list[bytes]:
    """What two pods have fetched, of which each ends its download only when the other one is in its own."""
    both = threading.Barrier(2)

    def pod(output: Path) -> None:
        progress = Progress(lambda _text: None)

        def slow(stage: Path) -> None:
            bring(stage, progress)
            both.wait(20)

        Cache(folder, limit, progress).fetch(slow, digest, output)

    outputs = [folder.with_name(name) for name in ("pod-1", "pod-2")]
    pods = [threading.Thread(target=pod, args=(output,)) for output in outputs]
    for thread in pods:
        thread.start()
    for thread in pods:
        thread.join(60)
    return [(output / "weights").read_bytes() for output in outputs]


@pytest.mark.parametrize(("done", "total"), [(100, 5000), (1001, None)], ids=["announced", "come already"])
def test_pods_do_not_wait_for_a_package_that_is_larger_than_the_cache(
    tmp_path: Path, done: int, total: int | None
) -> None:
    digest, fill = made(tmp_path / "large", b"l" * 5000)

    def bring(stage: Path, progress: Progress) -> None:
        progress("downloaded", done, total)
        fill(stage)

    assert side_by_side(tmp_path / "cache", 1000, bring, digest) == [b"l" * 5000] * 2


def test_pods_know_from_those_before_them_that_a_package_is_larger_than_the_cache(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    digest, fill = made(tmp_path / "large", b"l" * 5_000_000)
    cache(tmp_path / "cache", 1_000_000).fetch(fill, digest, tmp_path / "first")
    (said,) = (record.getMessage() for record in caplog.records)
    assert said.startswith("not kept in the cache: the package has 5.0 MB or more, and the cache takes 1.0 MB of all")
    assert "Raise --cache-limit (fetch.cache.limit of the profile)" in said
    caplog.clear()
    bring: Callable[[Path, Progress], None] = lambda stage, _progress: fill(stage)  # noqa: E731
    assert side_by_side(tmp_path / "cache", 1_000_000, bring, digest) == [b"l" * 5_000_000] * 2
    assert [record.getMessage()[:41] for record in caplog.records] == ["the cache is not used: the package has 5."] * 2


def test_a_limit_that_was_raised_holds_at_once(tmp_path: Path) -> None:
    digest, fill = made(tmp_path / "large", b"l" * 5000)
    cache(tmp_path / "cache", 1000).fetch(fill, digest, tmp_path / "first")
    cache(tmp_path / "cache", 9000).fetch(fill, digest, tmp_path / "second")
    cache(tmp_path / "cache", 9000).fetch(never, digest, tmp_path / "third")
    assert [path.name for path in (tmp_path / "cache/packages").iterdir()] == [digest.removeprefix("sha256:")]
