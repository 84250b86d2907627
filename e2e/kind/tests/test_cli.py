import json
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.kind.cache import Cache
from e2e.kind.cli import main
from e2e.kind.tests.conftest import Calls, Fake

FOLDER = Path(__file__).parent.parent
ADD_ONS = ("gateway", "metrics-server")
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
TOOLS = ("kind", "helm", "helm4", "kubectl", "kwok", *CONTROL_PLANE)


def test_the_folder_is_started_from_anywhere(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, FOLDER, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    for command in (
        "up",
        "down",
        "clean",
        "load",
        "env",
        "kubeconfig",
        "tools",
        "gateway",
        "metrics-server",
        "base-image",
    ):
        assert command in done.stdout


def test_the_lines_of_env_survive_a_folder_with_blanks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PADDLE_SERVING_CACHE", f"{tmp_path}/my cache")
    assert main(["env"]) == 0
    script = capsys.readouterr().out + 'printf "%s\\n" "${PATH%%:*}" "$KUBECONFIG"'
    seen = subprocess.run(["/bin/sh", "-ec", script], capture_output=True, text=True, check=True).stdout.splitlines()
    assert seen == [f"{tmp_path}/my cache/kind/bin", f"{tmp_path}/my cache/kind/clusters/paddle-serving.kubeconfig"]


def test_the_kubeconfigs_path_is_printed_and_its_absence_said(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PADDLE_SERVING_CLUSTER", "other")
    assert main(["kubeconfig"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{cache.clusters}/other.kubeconfig\n"
    assert "no such file yet" in printed.err


def test_what_a_user_can_mend_is_one_sentence_and_status_1(
    fake: Fake, cache: Cache, capsys: pytest.CaptureFixture[str]
) -> None:
    del cache
    fake("docker", "exit 1")
    assert main(["up"]) == 1
    assert "error: DOCKER_HOST is" in capsys.readouterr().err


@pytest.mark.parametrize("nodes", ["0", "-1", "many"])
def test_a_number_of_nodes_that_cannot_be_is_refused(nodes: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["up", f"--nodes={nodes}"])
    assert "is not a number of nodes" in capsys.readouterr().err


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("command", ["down", "clean"])
def test_where_nothing_was_made_nothing_is_done(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    monkeypatch.setenv("PADDLE_SERVING_CACHE", str(tmp_path / "none"))
    assert main([command]) == 0
    assert calls.lines() == []
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("command", ["down", "clean"])
def test_a_foreign_cluster_survives_every_command_that_deletes(
    command: str, fake: Fake, cache: Cache, calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    fake("docker", '[ "$1" = ps ] && echo "a1 paddle-serving-control-plane control-plane running" || echo 28.2.2')
    assert main([command]) == 1
    assert "it is left alone" in capsys.readouterr().err
    assert [line for line in calls.lines() if line.split()[1] not in {"version", "ps"}] == []
    assert cache.root.is_dir()


def test_a_cluster_of_ours_is_not_forgotten_while_its_engine_is_silent(
    fake: Fake, cache: Cache, capsys: pytest.CaptureFixture[str]
) -> None:
    fake("docker", "exit 1")
    record = cache.clusters / "paddle-serving.json"
    record.write_text('{"has_network": true, "containers": ["a1"]}')
    assert main(["clean"]) == 1
    assert "cannot be deleted: no Docker engine answers" in capsys.readouterr().err
    assert record.exists()


def test_clean_removes_cache_images_and_cluster(fake: Fake, cache: Cache, calls: Calls) -> None:
    (cache.clusters / "paddle-serving.json").write_text('{"has_network": true, "containers": ["a1"]}')
    fake(
        "docker",
        'case "$1 $2" in "ps "*) echo "a1 paddle-serving-control-plane control-plane running" ;;'
        ' "image ls") echo paddle-serving-kind/node:v1 ;; "image inspect") echo e2e/kind ;; *) echo 28 ;; esac',
    )
    assert main(["clean"]) == 0
    assert not cache.root.exists()
    assert calls.of("docker", "rm") == ["docker rm --force --volumes a1"]
    removed = {"docker image rm paddle-serving-kind/node:v1", "docker image rm debian:bookworm-slim"}
    assert set(calls.of("docker", "image", "rm")) == removed


def test_clean_deletes_every_cluster_that_it_remembers(fake: Fake, cache: Cache, calls: Calls) -> None:
    for name, container in {"paddle-serving": "a1", "second": "b2"}.items():
        (cache.clusters / f"{name}.json").write_text(json.dumps({"has_network": True, "containers": [container]}))
    nodes = "*=paddle-serving\\ *) echo a1 one control-plane running ;; *=second\\ *) echo b2 two control-plane running"
    fake("docker", f'case "$*" in {nodes} ;; version*) echo 28 ;; esac')
    assert main(["clean"]) == 0
    assert calls.of("docker", "rm") == ["docker rm --force --volumes a1", "docker rm --force --volumes b2"]


def test_what_builds_left_behind_is_freed_once_all_is_there(fake: Fake, cache: Cache) -> None:
    for name in TOOLS:
        fake(name, "echo v99.0.0")
    left = [cache.go / "modules" / "k8s.io", cache.go / "build", cache.work / "module"]
    for folder in left:
        folder.mkdir(parents=True)
    assert main(["tools"]) == 0
    assert [folder for folder in left if folder.exists()] == []


def test_tools_prints_nothing_but_the_folder_for_path(
    fake: Fake, cache: Cache, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in TOOLS:
        fake(name, "echo v99.0.0")
    assert main(["tools"]) == 0
    assert capsys.readouterr().out == f"{cache.bin}\n"


@pytest.mark.parametrize("command", ADD_ONS)
def test_what_goes_into_a_cluster_needs_one(
    command: str, fake: Fake, cache: Cache, capsys: pytest.CaptureFixture[str]
) -> None:
    del cache
    fake("docker")
    assert main([command]) == 1
    assert "The cluster paddle-serving does not run. Start it first: python3 e2e/kind up" in capsys.readouterr().err
