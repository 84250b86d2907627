"""The cache of packages: what was fetched once is not fetched again, and nothing wrong comes out of it."""

import errno
import fcntl
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import pytest

from images.serving.tests.unit.fetch.fetching import NO_DIGEST, contents, expected, run, tar_of
from paddle_serving_runtime.errors import DigestMismatch, ModelUnavailable
from paddle_serving_runtime.fetch.cache import Cache
from paddle_serving_runtime.fetch.transfer import Progress
from paddle_serving_runtime.package.manifest import write

Fill = Callable[[Path], None]
ROOM = 1 << 30


def cache(folder: Path, limit: int = ROOM) -> Cache:
    return Cache(folder, limit, Progress(lambda _text: None))


def packages(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "packages").iterdir())


def made(root: Path, content: bytes) -> tuple[str, Fill]:
    """A package with one file: its digest, and what brings it."""
    root.mkdir()
    (root / "weights").write_bytes(content)

    def fill(stage: Path) -> None:
        shutil.copytree(root, stage, dirs_exist_ok=True)

    return write(root), fill


def never(_stage: Path) -> None:
    pytest.fail("the source was asked")


def test_what_one_pod_has_fetched_the_next_one_takes(
    package: Path, tmp_path: Path, web: tuple[str, dict[str, bytes]]
) -> None:
    url, files = web
    digest = write(package)
    files["/m.tar.gz"] = tar_of(package)
    words = ("--from-http", f"{url}/m.tar.gz", "--digest", digest, "--cache", tmp_path / "cache", "--cache-limit", ROOM)
    assert run(*words, "--output", tmp_path / "first") == 0
    del files["/m.tar.gz"]
    assert run(*words, "--output", tmp_path / "second") == 0
    assert contents(tmp_path / "first") == contents(tmp_path / "second") == expected(package)


def test_a_cached_file_that_changed_is_found_and_the_package_fetched_anew(tmp_path: Path) -> None:
    digest, fill = made(tmp_path / "package", b"right")
    cache(tmp_path / "cache").fetch(fill, digest, tmp_path / "first")
    kept = tmp_path / "cache" / "packages" / digest.removeprefix("sha256:") / "weights"
    kept.write_bytes(b"wrong")
    cache(tmp_path / "cache").fetch(fill, digest, tmp_path / "second")
    assert (tmp_path / "second" / "weights").read_bytes() == b"right"
    assert kept.read_bytes() == b"right"


def test_a_link_in_the_cache_is_not_followed(tmp_path: Path) -> None:
    digest, fill = made(tmp_path / "package", b"right")
    cache(tmp_path / "cache").fetch(fill, digest, tmp_path / "first")
    kept = tmp_path / "cache" / "packages" / digest.removeprefix("sha256:") / "weights"
    kept.unlink()
    kept.symlink_to(tmp_path / "package" / "weights")
    asked: list[object] = []
    cache(tmp_path / "cache").fetch(lambda stage: asked.append(fill(stage)), digest, tmp_path / "second")
    assert len(asked) == 1
    assert not (tmp_path / "second" / "weights").is_symlink()


def test_what_is_not_the_package_is_not_kept(tmp_path: Path) -> None:
    _, fill = made(tmp_path / "package", b"right")
    with pytest.raises(DigestMismatch):
        cache(tmp_path / "cache").fetch(fill, NO_DIGEST, tmp_path / "out")
    assert packages(tmp_path / "cache") == []


def test_a_text_that_is_no_digest_names_no_file(tmp_path: Path) -> None:
    with pytest.raises(DigestMismatch, match="is not a digest"):
        cache(tmp_path / "cache").fetch(never, "sha256:../../etc", tmp_path / "out")
    assert not (tmp_path / "cache").exists()


def test_several_at_once_fetch_once(tmp_path: Path) -> None:
    digest, fill = made(tmp_path / "package", b"right")
    asked, begun, go_on = [], threading.Event(), threading.Event()

    def slow(stage: Path) -> None:
        asked.append(stage)
        begun.set()
        assert go_on.wait(60)
        fill(stage)

    def pod(number: int) -> None:
        cache(tmp_path / "cache").fetch(slow, digest, tmp_path / f"pod-{number}")

    pods = [threading.Thread(target=pod, args=(number,)) for number in range(4)]
    for thread in pods:
        thread.start()
    assert begun.wait(60)
    go_on.set()
    for thread in pods:
        thread.join(60)
    assert len(asked) == 1
    assert [(tmp_path / f"pod-{number}" / "weights").read_bytes() for number in range(4)] == [b"right"] * 4


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    made_of = [made(tmp_path / name, name.encode() * 1000) for name in "abc"]
    for number, (digest, fill) in enumerate(made_of[:2]):
        cache(tmp_path / "cache", 2500).fetch(fill, digest, tmp_path / f"out-{number}")
    old, new = (tmp_path / "cache" / "packages" / digest.removeprefix("sha256:") for digest, _ in made_of[:2])
    os.utime(new, (1, 1))
    os.utime(old, (2, 2))
    cache(tmp_path / "cache", 2500).fetch(made_of[2][1], made_of[2][0], tmp_path / "out-2")
    assert packages(tmp_path / "cache") == sorted([old.name, made_of[2][0].removeprefix("sha256:")])


def test_use_is_what_counts_not_the_time_of_fetching(tmp_path: Path) -> None:
    digest, fill = made(tmp_path / "package", b"right")
    cache(tmp_path / "cache").fetch(fill, digest, tmp_path / "first")
    kept = tmp_path / "cache" / "packages" / digest.removeprefix("sha256:")
    os.utime(kept, (1, 1))
    cache(tmp_path / "cache").fetch(never, digest, tmp_path / "second")
    assert kept.stat().st_mtime > 1


def test_a_package_that_a_pod_is_copying_is_not_removed(tmp_path: Path) -> None:
    first, second = (made(tmp_path / name, name.encode() * 1000) for name in "ab")
    cache(tmp_path / "cache", 1500).fetch(first[1], first[0], tmp_path / "first")
    copying = (tmp_path / "cache" / "locks" / first[0].removeprefix("sha256:")).open()
    fcntl.flock(copying, fcntl.LOCK_SH)
    cache(tmp_path / "cache", 1500).fetch(second[1], second[0], tmp_path / "second")
    assert packages(tmp_path / "cache") == [first[0].removeprefix("sha256:")]
    copying.close()
    cache(tmp_path / "cache", 1500).fetch(second[1], second[0], tmp_path / "third")
    assert packages(tmp_path / "cache") == [second[0].removeprefix("sha256:")]


def test_a_package_larger_than_the_cache_is_fetched_and_removes_nothing(tmp_path: Path) -> None:
    small, large = made(tmp_path / "small", b"s"), made(tmp_path / "large", b"l" * 5000)
    cache(tmp_path / "cache", 1000).fetch(small[1], small[0], tmp_path / "first")
    cache(tmp_path / "cache", 1000).fetch(large[1], large[0], tmp_path / "second")
    assert (tmp_path / "second" / "weights").read_bytes() == b"l" * 5000
    assert packages(tmp_path / "cache") == [small[0].removeprefix("sha256:")]


@pytest.mark.parametrize("entry", ["file", "link"])
def test_what_stands_in_a_packages_place_and_is_no_folder_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, entry: str
) -> None:
    digest, fill = made(tmp_path / "package", b"right")
    place = tmp_path / "cache" / "packages" / digest.removeprefix("sha256:")
    place.parent.mkdir(parents=True)
    if entry == "file":
        place.write_text("no package")
    else:
        place.symlink_to(tmp_path / "package")
    cache(tmp_path / "cache").fetch(fill, digest, tmp_path / "first")
    assert f"{place} is in the cache, and no folder; the package is fetched anew in its place" in caplog.text
    assert (tmp_path / "package" / "weights").exists()
    cache(tmp_path / "cache").fetch(never, digest, tmp_path / "second")
    assert (tmp_path / "second" / "weights").read_bytes() == b"right"
    assert packages(tmp_path / "cache") == [place.name]


def test_what_a_pod_that_was_killed_has_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "cache" / "packages" / ".partial-of-a-dead-pod").mkdir(parents=True)
    digest, fill = made(tmp_path / "package", b"right")
    cache(tmp_path / "cache").fetch(fill, digest, tmp_path / "out")
    assert packages(tmp_path / "cache") == [digest.removeprefix("sha256:")]


def test_a_cache_that_cannot_be_used_costs_nothing_but_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cache").write_text("a file")
    digest, fill = made(tmp_path / "package", b"right")
    assert cache(tmp_path / "cache").fetch(fill, digest, tmp_path / "out")
    assert (tmp_path / "out" / "weights").read_bytes() == b"right"
    assert "the cache cannot be used" in caplog.text


def test_a_package_that_may_not_be_looked_at_costs_nothing_but_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    digest, fill = made(tmp_path / "package", b"right")
    real = os.lstat

    def of_another_user(path: Path, **words: bool) -> os.stat_result:
        if Path(path).parent == tmp_path / "cache" / "packages":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, **words)

    monkeypatch.setattr(os, "lstat", of_another_user)
    assert cache(tmp_path / "cache").fetch(fill, digest, tmp_path / "out")
    assert (tmp_path / "out" / "weights").read_bytes() == b"right"
    assert "the cached package is not used" in caplog.text


def locking(lock: Callable[[TextIO, int], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lock)


def test_locks_are_taken_as_nfs_demands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest, fill = made(tmp_path / "package", b"right")
    taken, real = [], fcntl.flock

    def of_nfs(file: TextIO, operation: int) -> None:
        if operation & fcntl.LOCK_EX and fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        taken.append(operation)
        real(file, operation)

    locking(of_nfs, monkeypatch)
    cache(tmp_path / "cache").fetch(fill, digest, tmp_path / "first")
    cache(tmp_path / "cache").fetch(never, digest, tmp_path / "second")
    assert taken[taken.index(fcntl.LOCK_EX) - 1] == fcntl.LOCK_UN


def test_a_lock_that_cannot_be_had_costs_nothing_but_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    digest, fill = made(tmp_path / "package", b"right")
    real = fcntl.flock

    def without_exclusive(file: TextIO, operation: int) -> None:
        if operation == fcntl.LOCK_EX:
            raise OSError(errno.ENOLCK, "No locks available")
        real(file, operation)

    locking(without_exclusive, monkeypatch)
    assert cache(tmp_path / "cache").fetch(fill, digest, tmp_path / "out")
    assert (tmp_path / "out" / "weights").read_bytes() == b"right"
    assert "No locks available" in caplog.text


def test_an_output_without_room_does_not_cost_the_cached_package(tmp_path: Path) -> None:
    digest, fill = made(tmp_path / "package", b"right")
    cache(tmp_path / "cache").fetch(fill, digest, tmp_path / "first")
    (tmp_path / "out").write_text("where a directory should be")
    with pytest.raises(ModelUnavailable):
        cache(tmp_path / "cache").fetch(fill, digest, tmp_path / "out")
    assert packages(tmp_path / "cache") == [digest.removeprefix("sha256:")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--cache", "/nowhere"), "belong together"),
        (("--cache-limit", "5"), "belong together"),
        (("--cache", "/nowhere", "--cache-limit", "0"), "keeps nothing"),
    ],
)
def test_options_that_do_not_fit(package: Path, tmp_path: Path, message: Path, words: tuple[str], says: str) -> None:
    assert run("--from-dir", package, "--digest", NO_DIGEST, "--output", tmp_path / "out", *words) == 2
    assert says in message.read_text()
