"""Packages as mounted ConfigMaps: every file name that the documented rule can write is read back."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from images.serving.tests.unit.fetch.fetching import config_map, contents, run
from paddle_serving_runtime.cli.main import main
from paddle_serving_runtime.errors import ModelUnavailable
from paddle_serving_runtime.fetch.config_map import key_of, unfit
from paddle_serving_runtime.fetch.sources import from_config_map
from paddle_serving_runtime.fetch.transfer import Progress
from paddle_serving_runtime.package.manifest import MANIFEST, write

NAMES = (
    "lib/__init__.py",
    "a_/b",
    "_a/_b",
    "x__.txt",
    "a__b.txt",
    "c/d__e/f",
    "__model__",
    "m/__model__",
    "g/__h__/__i__.py",
    "___",
    "j/_/k",
    ".hidden",
    "l/.hidden",
    "-dash",
)


def make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"this is {name}")
    return root


def test_every_name_that_the_rule_can_write_is_read_back(tmp_path: Path) -> None:
    package = make(tmp_path / "package", *NAMES)
    digest = write(package)
    mounted = config_map(package, tmp_path)
    assert run("--from-config-map", mounted, "--digest", digest, "--output", tmp_path / "out") == 0
    assert contents(tmp_path / "out") == contents(package)


PARTS = st.text("_.a", min_size=1, max_size=4).filter(lambda part: part.strip("."))
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)


@settings(max_examples=60)
@given(paths=st.sets(PATHS, min_size=1, max_size=4))
def test_any_names_are_read_back_or_refused_by_name(paths: set[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("names")
    paths = {path for path in paths if not any(other.startswith(f"{path}/") for other in paths)}
    package = make(folder / "package", *paths)
    digest, mounted = write(package), config_map(package, folder)
    (folder / "out").mkdir()
    refused = list(unfit(paths))
    if refused:
        with pytest.raises(ModelUnavailable, match=re.escape(refused[0])):
            from_config_map(mounted, digest, folder / "out", Progress(print))
    else:
        from_config_map(mounted, digest, folder / "out", Progress(print))
        assert contents(folder / "out") == contents(package)
    assert bool(refused) == (len({key_of(path) for path in paths}) < len(paths) or any(p[:2] == ".." for p in paths))


UNFIT = {
    "two files of one key": (("a/_b", "a_/b"), "a ConfigMap cannot hold a/_b and a_/b: they have the same key, a___b"),
    "a space": (("a b.txt", "c"), "a ConfigMap cannot hold a b.txt: a key is letters, digits, -, _ and . only"),
    "no ASCII": (("\u540d.txt", "c"), "a ConfigMap cannot hold \u540d.txt: a key is letters"),
    "two dots": (("..a", "c"), "a ConfigMap cannot hold ..a: a key is .* does not begin with two dots"),
    "a long path": (("/".join(["d" * 120] * 3), "c"), "a ConfigMap cannot hold d+/d+/d+: a key is .* at most 253"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_a_name_that_no_key_can_hold_is_named_by_fetch_and_by_digest(
    case: str, tmp_path: Path, message: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names, sentence = UNFIT[case]
    package = make(tmp_path / "package", *names)
    digest, mounted = write(package), config_map(package, tmp_path)
    assert run("--from-config-map", mounted, "--digest", digest, "--output", tmp_path / "out") == 1
    assert re.match(
        f"ModelUnavailable: .*{sentence}.*Rename it and make a new digest, or use another", message.read_text()
    )
    capsys.readouterr()
    assert main(["digest", str(package)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{digest}\n"
    assert re.match(f"note: {sentence}", said.err)


def test_digest_does_not_speak_of_config_maps_where_the_package_fits_into_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = make(tmp_path / "package", "a b")
    (package / "weights").write_bytes(bytes(1 << 20))
    assert main(["digest", str(package)]) == 0
    assert capsys.readouterr().err == ""


def test_what_is_missing_or_too_much_is_named_by_its_path(tmp_path: Path, message: Path) -> None:
    package = make(tmp_path / "package", "lib/__init__.py", "x")
    digest, mounted = write(package), config_map(package, tmp_path)
    (mounted / "..data" / "lib____init__.py").unlink()
    words = ("--from-config-map", mounted, "--digest", digest, "--output", tmp_path / "out")
    assert run(*words) == 1
    assert message.read_text().startswith(
        f"DigestMismatch: config map {mounted}: lib/__init__.py is missing. {MANIFEST}"
    )
    (mounted / "..data" / "lib____init__.py").write_text("this is lib/__init__.py")
    (mounted / "..data" / "more").write_text("")
    assert run(*words) == 1
    assert f"config map {mounted}: more is not in {MANIFEST}" in message.read_text()
    (mounted / "..data" / MANIFEST).unlink()
    assert run(*words) == 1
    assert f"config map {mounted}: {MANIFEST} is missing, expected {digest}" in message.read_text()
    assert list((tmp_path / "out").iterdir()) == []


def test_relative_paths_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = make(tmp_path / "package", "a/b")
    digest = write(package)
    config_map(package, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run("--from-config-map", "mounted", "--digest", digest, "--output", "out") == 0
    assert run("--from-config-map", "./mounted/../mounted/..data", "--digest", digest, "--output", "out2") == 0
    assert run("--from-dir", "package", "--digest", digest, "--output", "out3") == 0
    monkeypatch.chdir(package)
    assert run("--from-dir", ".", "--digest", digest, "--output", "../out4") == 0
    assert [contents(tmp_path / name) == contents(package) for name in ("out", "out2", "out3", "out4")] == [True] * 4
