import fcntl
import threading
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from e2e.kind.cache import TAG, Cache, cache_folder, require_space, write_atomically
from e2e.kind.console import Console
from e2e.kind.errors import SetupError
from e2e.kind.process import wait_until


def writes(text: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(text)

    return write


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"PADDLE_SERVING_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a/kind"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/paddle-serving/kind"),
        ({"HOME": "/c"}, "/c/.cache/paddle-serving/kind"),
    ],
)
def test_the_cache_folder_follows_the_environment(env: dict[str, str], folder: str) -> None:
    assert cache_folder(env) == Path(folder)


def test_an_artefact_is_made_once(cache: Cache) -> None:
    path = cache.built / "kind-v1"
    assert cache.artefact(path, writes("first")) is True
    assert cache.artefact(path, writes("second")) is False
    assert path.read_text() == "first"


def test_a_build_that_fails_leaves_nothing_under_the_final_name(cache: Cache) -> None:
    path = cache.built / "kind-v1"

    def stops_half_way(part: Path) -> None:
        part.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.artefact(path, stops_half_way)
    assert not path.exists()
    cache.artefact(path, writes("whole"))
    assert path.read_text() == "whole"


def test_a_half_written_folder_of_a_killed_run_is_thrown_away(cache: Cache) -> None:
    path = cache.built / "go"
    part = cache.built / ".go.part"
    part.mkdir()
    (part / "left-over").write_text("half")
    cache.artefact(path, lambda folder: folder.mkdir())
    assert list(path.iterdir()) == []
    assert not part.exists()


def test_a_folder_that_is_not_ours_is_neither_used_nor_removed(tmp_path: Path) -> None:
    root = tmp_path / "cache" / "kind"
    root.mkdir(parents=True)
    (root / "thesis.tex").write_text("years of work")
    with pytest.raises(SetupError, match=r"was not made by e2e/kind.*PADDLE_SERVING_CACHE"):
        Cache(root).prepare()
    with pytest.raises(SetupError, match="stays"):
        Cache(root).remove()
    assert (root / "thesis.tex").exists()


def test_removing_leaves_the_neighbours(cache: Cache) -> None:
    neighbour = cache.root.parent / "uv"
    neighbour.mkdir()
    cache.remove()
    assert not cache.root.exists()
    assert neighbour.is_dir()


def test_a_cache_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match=r"cannot be written.*Set PADDLE_SERVING_CACHE"):
        Cache(tmp_path / "file" / "kind").prepare()


def test_too_little_space_is_a_sentence_with_needed_and_found(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"for the moon: .*deep needs 1e\+09 GB free and has \d+\.\d GB\. Free some"):
        require_space(tmp_path / "not" / "yet" / "deep", 1e9, "the moon")


def test_enough_space_is_no_matter(tmp_path: Path) -> None:
    require_space(tmp_path, 0.0, "a note")


def test_a_second_run_waits_for_the_first_and_says_so(cache: Cache, output: StringIO) -> None:
    console, got = Console(output, signs_of_life=(0.01, 0.01)), threading.Event()

    def second() -> None:
        with cache.lock(console):
            got.set()

    with (cache.root / "lock").open("a") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        thread = threading.Thread(target=second)
        thread.start()
        said = wait_until(lambda: "another e2e/kind uses this cache" in output.getvalue(), 60, interval=0.01)
        assert said, output.getvalue()
        assert not got.is_set()
    assert got.wait(60)
    thread.join()


def test_a_file_is_replaced_in_one_go_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("old")
    write_atomically(path, "new", mode=0o600)
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["kubeconfig"]


def test_the_folder_is_tagged_as_a_cache(cache: Cache) -> None:
    assert (cache.root / TAG).read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
