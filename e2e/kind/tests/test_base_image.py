from io import StringIO
from pathlib import Path

import pytest

from e2e.kind import base_image
from e2e.kind.cache import Cache
from e2e.kind.console import Console
from e2e.kind.errors import SetupError
from e2e.kind.tests.conftest import Calls, Fake

NO_REGISTRY = 'case "$1" in info) echo \'"/"\' ;; *) echo "no such host" >&2; exit 1 ;; esac'


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)


def test_an_image_that_is_there_is_left_as_it_is(fake: Fake, cache: Cache, console: Console, calls: Calls) -> None:
    fake("docker", "echo sha256:1")
    base_image.ensure(cache, console)
    assert [line.split()[1] for line in calls.lines()] == ["image"]


def test_without_registry_and_root_the_sentence_says_both_ways_out(
    fake: Fake, cache: Cache, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    fake("docker", NO_REGISTRY)
    with pytest.raises(SetupError, match=r"cannot be pulled \(no such host\).*needs root.*docker pull.*as root"):
        base_image.ensure(cache, console)


@pytest.mark.usefixtures("as_root")
def test_where_debootstrap_fails_the_end_of_its_log_is_shown(fake: Fake, cache: Cache, console: Console) -> None:
    fake("docker", NO_REGISTRY)
    fake("debootstrap", 'echo "E: Failed getting release file"; exit 1')
    with pytest.raises(SetupError, match=r"could not be made by debootstrap(.|\n)*Failed getting release(.|\n)*mirror"):
        base_image.ensure(cache, console)


@pytest.mark.usefixtures("as_root")
def test_without_debootstrap_and_apt_the_sentence_says_so(fake: Fake, cache: Cache, console: Console) -> None:
    fake("docker", NO_REGISTRY)
    with pytest.raises(SetupError, match="neither debootstrap nor apt-get"):
        base_image.ensure(cache, console)


def test_a_pulled_image_is_not_removed(fake: Fake, console: Console, calls: Calls) -> None:
    fake("docker", 'echo ""')
    base_image.remove(console)
    assert calls.of("docker", "image", "rm") == []


def test_an_image_made_here_is_removed(fake: Fake, console: Console, calls: Calls, output: StringIO) -> None:
    fake("docker", "echo e2e/kind")
    base_image.remove(console)
    assert calls.of("docker", "image", "rm") == ["docker image rm debian:bookworm-slim"]
    assert "removed" in output.getvalue()


def test_the_image_has_no_manuals_and_later_installs_bring_none(tmp_path: Path) -> None:
    for folder in ("etc/dpkg/dpkg.cfg.d", "etc/apt/apt.conf.d", "var/cache/apt/archives", "var/lib/apt/lists"):
        (tmp_path / folder).mkdir(parents=True)
    manual, notice = tmp_path / "usr/share/man/man1/ls.1", tmp_path / "usr/share/doc/ls/copyright"
    for file in (manual, notice, tmp_path / "var/cache/apt/archives/ls.deb"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("text")
    base_image.slim_down(tmp_path)
    assert not manual.exists()
    assert notice.exists()
    assert not list(tmp_path.glob("var/cache/apt/archives/*.deb"))
    rules = (tmp_path / "etc/dpkg/dpkg.cfg.d/slim").read_text().splitlines()
    assert "path-exclude /usr/share/man/*" in rules
    assert rules[-1] == "path-include /usr/share/doc/*/copyright"
