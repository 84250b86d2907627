from io import StringIO
from pathlib import Path

import pytest

from e2e.kind.builder import Builder
from e2e.kind.cache import Cache
from e2e.kind.console import Console, Step
from e2e.kind.errors import CommandError, SetupError
from e2e.kind.tests.conftest import Calls, Fake
from e2e.kind.tools import FOR_A_CLUSTER, FOR_AN_API_SERVER, FOR_CHARTS, ensure, program

KIND, HELM, KUBECTL = FOR_A_CLUSTER
GO = """case "$1" in
  version) echo "go version go1.26.8 linux/amd64" ;;
  build) while [ "$1" != -o ]; do shift; done; echo "built" > "$2" ;;
esac"""


@pytest.fixture
def builder(cache: Cache) -> Builder:
    return Builder(cache)


def test_a_tool_on_path_that_is_new_enough_is_taken(
    fake: Fake, cache: Cache, builder: Builder, console: Console, output: StringIO, calls: Calls
) -> None:
    path = fake("kind", "echo kind v0.33.1 go1.26.8 linux/amd64")
    ensure((KIND,), cache, builder, console)
    assert program("kind", cache) == "kind"
    assert f"0.33.1 ({path})" in output.getvalue()
    assert calls.of("go") == []


def test_a_tool_on_path_that_is_too_old_is_built_and_linked(
    fake: Fake, cache: Cache, builder: Builder, console: Console, output: StringIO
) -> None:
    fake("kind", "echo kind v0.20.0 go1.20.1 linux/amd64")
    fake("go", GO)
    ensure((KIND,), cache, builder, console)
    assert program("kind", cache) == str(cache.bin / "kind")
    assert (cache.bin / "kind").read_text() == "built\n"
    assert "built (PATH has 0.20.0, 0.33.0 or newer is needed)" in output.getvalue()


def test_a_tool_that_does_not_answer_is_not_taken(
    fake: Fake, cache: Cache, builder: Builder, console: Console, output: StringIO
) -> None:
    fake("helm", "echo v3.99.0; exit 1")
    fake("go", GO)
    ensure((HELM,), cache, builder, console)
    assert (cache.bin / "helm").exists()
    assert "built (PATH has none" in output.getvalue()


def test_a_build_is_not_repeated(fake: Fake, cache: Cache, builder: Builder, console: Console, calls: Calls) -> None:
    fake("go", GO)
    ensure((KIND,), cache, builder, console)
    first = calls.lines()
    ensure((KIND,), cache, Builder(cache), console)
    assert calls.lines() == first


def test_a_build_that_was_killed_is_repeated(fake: Fake, cache: Cache, builder: Builder, console: Console) -> None:
    fake("go", GO)
    (cache.built / ".kind-v0.33.0.part").write_text("half")
    ensure((KIND,), cache, builder, console)
    assert (cache.bin / "kind").read_text() == "built\n"


def test_our_own_build_is_dropped_from_path_once_the_user_has_a_newer_one(
    fake: Fake, cache: Cache, builder: Builder, console: Console, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake("go", GO)
    ensure((KIND,), cache, builder, console)
    monkeypatch.setenv("PATH", f"{cache.bin}:{tmp_path}/path")
    fake("kind", "echo kind v0.40.0")
    ensure((KIND,), cache, builder, console)
    assert program("kind", cache) == "kind"


def test_a_build_that_fails_shows_the_end_of_its_log_and_where_it_is(
    fake: Fake, cache: Cache, builder: Builder, console: Console
) -> None:
    fake("go", '[ "$1" = version ] && echo go1.26.8 && exit; echo "no route to host" >&2; exit 1')
    with pytest.raises(CommandError, match="no route to host") as caught:
        ensure((KIND,), cache, builder, console)
    assert str(cache.logs / "kind-v0.33.0.log") in str(caught.value)
    assert not (cache.bin / "kind").exists()


def test_kubectl_alone_is_built_where_kubernetes_is_not(
    fake: Fake, cache: Cache, builder: Builder, console: Console, calls: Calls
) -> None:
    fake("go", GO)
    fake("kubectl", "echo Client Version: v1.20.0")
    ensure((KUBECTL,), cache, builder, console)
    assert "k8s.io/kubernetes/cmd/kubectl" in calls.of("go", "build")[0]


def test_one_build_serves_the_whole_control_plane(
    fake: Fake, cache: Cache, builder: Builder, console: Console, calls: Calls
) -> None:
    fake("go", GO)
    fake("kubectl", "exit 1")
    ensure((*FOR_AN_API_SERVER, KUBECTL), cache, builder, console)
    assert len(calls.of("go", "build")) == 1
    names = ("kube-apiserver", "kube-controller-manager", "etcd", "kubectl")
    assert {(cache.bin / name).resolve() for name in names} == {builder.kubernetes(Step("kubernetes"))}


def test_without_go_and_without_pip_the_sentence_names_both(
    fake: Fake, cache: Cache, builder: Builder, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake("go", "echo go version go1.19.8 linux/amd64")
    python = tmp_path / "python-without-pip"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    with pytest.raises(SetupError, match=r"Go 1\.26\.2 or newer.*PATH has 1\.19\.8.*no pip.*Install Go, or pip"):
        ensure((KIND,), cache, builder, console)


def test_too_little_space_for_a_build_is_said_before_it_begins(
    fake: Fake, cache: Cache, builder: Builder, console: Console, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake("go", GO)
    monkeypatch.setattr("e2e.kind.builder.NEEDED_GIGABYTES", 1e9)
    with pytest.raises(SetupError, match="Not enough disk space for building Go programs"):
        ensure((KIND,), cache, builder, console)
    assert calls.lines() == []


def test_helm_4_is_built_beside_helm_3_from_what_was_compiled_for_it(
    fake: Fake, cache: Cache, builder: Builder, console: Console, calls: Calls
) -> None:
    fake("helm", "echo v3.22.0")  # on PATH, and no helm4
    fake("go", GO)
    ensure((HELM, *FOR_CHARTS), cache, builder, console)
    assert program("helm", cache) == "helm"
    assert program("helm4", cache) == str(cache.bin / "helm4")
    assert any("helm.sh/helm/v4/cmd/helm@v4" in line for line in calls.of("go"))


@pytest.mark.parametrize("gigabytes", [0, 1e9])
def test_what_was_compiled_is_there_for_the_next_program_where_there_is_room(
    fake: Fake, cache: Cache, builder: Builder, console: Console, monkeypatch: pytest.MonkeyPatch, gigabytes: float
) -> None:
    monkeypatch.setattr("e2e.kind.builder.ROOM_GIGABYTES", gigabytes)
    compiled = cache.go / "build" / "compiled"
    compiled.parent.mkdir(parents=True)
    fake("go", f'[ "$1" != build ] || : > "$GOCACHE/compiled"\n{GO}')
    ensure((HELM,), cache, builder, console)
    assert compiled.exists(), "most of Helm 4 is compiled from the same"
    ensure(FOR_CHARTS, cache, builder, console)
    assert compiled.exists() is (gigabytes == 0)
