import json
from io import StringIO
from pathlib import Path

import pytest

from e2e.kind.cache import Cache
from e2e.kind.cluster import Cluster, Node, Record, State, decide
from e2e.kind.console import Console
from e2e.kind.errors import CommandError, SetupError
from e2e.kind.node_image import NodeImage
from e2e.kind.tests.conftest import Calls, Fake

RUNNING = Node("a1", "paddle-serving-control-plane", "control-plane", running=True)
EXITED = Node("b2", "paddle-serving-worker", "worker", running=False)
IMAGE = NodeImage("kindest/node:v1", has_network=True, mounts_images=True)


@pytest.fixture
def cluster(cache: Cache) -> Cluster:
    return Cluster("paddle-serving", cache)


@pytest.fixture
def docker(fake: Fake, tmp_path: Path) -> Path:
    """A docker whose `ps` prints a file, and whose `start` makes every node in it run."""
    nodes = tmp_path / "nodes"
    nodes.write_text("")
    fake(
        "docker", f'case "$1" in ps) cat {nodes} ;; start) sed -i s/exited/running/ {nodes} ;; rm) : > {nodes} ;; esac'
    )
    return nodes


def listing(*nodes: Node) -> str:
    return "".join(f"{n.id} {n.name} {n.role} {'running' if n.running else 'exited'}\n" for n in nodes)


def remember(cluster: Cluster, *containers: str, **more: bool) -> None:
    path = cluster.cache.clusters / f"{cluster.name}.json"
    path.write_text(json.dumps({"has_network": True, "containers": containers} | more))


@pytest.mark.parametrize(
    ("nodes", "record", "state"),
    [
        ([], None, State.ABSENT),
        ([], Record(has_network=True, containers=("a1",)), State.ABSENT),
        ([RUNNING], None, State.FOREIGN),
        ([RUNNING], Record(has_network=True, containers=("z9",)), State.FOREIGN),
        ([RUNNING, EXITED], Record(has_network=True, containers=("a1",)), State.FOREIGN),
        ([RUNNING], Record(has_network=True), State.UNFINISHED),
        ([RUNNING], Record(has_network=True, containers=("a1", "b2")), State.UNFINISHED),
        ([RUNNING], Record(has_network=True, containers=("a1",)), State.RUNNING),
        ([RUNNING, EXITED], Record(has_network=True, containers=("a1", "b2")), State.STOPPED),
    ],
)
def test_the_state_follows_from_containers_and_record(nodes: list[Node], record: Record | None, state: State) -> None:
    assert decide(nodes, record) is state


@pytest.mark.parametrize("record", [(), ("z9",)])
def test_a_cluster_of_somebody_else_is_neither_used_nor_deleted(
    cluster: Cluster, docker: Path, console: Console, calls: Calls, record: tuple[str, ...]
) -> None:
    docker.write_text(listing(RUNNING))
    if record:
        remember(cluster, *record)
    for attempt in (lambda: cluster.revive(None, console, mounting=False), cluster.delete):
        with pytest.raises(SetupError, match=r"did not make; it is left alone\..*PADDLE_SERVING_CLUSTER"):
            attempt()
    assert {line.split()[1] for line in calls.of("docker")} == {"ps"}
    assert docker.read_text()


def test_a_running_cluster_is_used_and_its_lost_kubeconfig_written_anew(
    cluster: Cluster, docker: Path, fake: Fake, console: Console, output: StringIO
) -> None:
    docker.write_text(listing(RUNNING))
    remember(cluster, "a1")
    fake("kind", "echo kubeconfig of kind")
    fake("kubectl")
    assert cluster.revive(None, console, mounting=False) is True
    assert cluster.kubeconfig.read_text() == "kubeconfig of kind\n"
    assert cluster.kubeconfig.stat().st_mode & 0o077 == 0
    assert "1 node(s), running" in output.getvalue()


def test_stopped_nodes_are_started_the_control_plane_first(
    cluster: Cluster, docker: Path, fake: Fake, console: Console, calls: Calls
) -> None:
    control_plane = Node("a1", "paddle-serving-control-plane", "control-plane", running=False)
    docker.write_text(listing(EXITED, control_plane))
    remember(cluster, "a1", "b2")
    fake("kind", "echo kubeconfig")
    fake("kubectl")
    assert cluster.revive(None, console, mounting=False) is True
    assert calls.of("docker", "start") == ["docker start a1", "docker start b2"]


def test_a_cluster_whose_api_does_not_come_back_is_deleted_to_be_made_anew(
    cluster: Cluster, docker: Path, fake: Fake, console: Console, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("e2e.kind.cluster.ANSWERS_WITHIN", 0.1)
    docker.write_text(listing(RUNNING))
    remember(cluster, "a1")
    cluster.kubeconfig.write_text("old")
    fake("kind", "echo kubeconfig")
    fake("kubectl", "exit 1")
    assert cluster.revive(None, console, mounting=False) is False
    assert calls.of("docker", "rm") == ["docker rm --force --volumes a1"]
    assert cluster.record() is None
    assert not cluster.kubeconfig.exists()


def test_a_creation_that_was_killed_is_deleted_to_be_made_anew(
    cluster: Cluster, docker: Path, console: Console, calls: Calls
) -> None:
    docker.write_text(listing(RUNNING))
    remember(cluster)
    assert cluster.revive(None, console, mounting=False) is False
    assert calls.of("docker", "rm") == ["docker rm --force --volumes a1"]


@pytest.mark.usefixtures("docker")
def test_a_record_without_containers_is_forgotten(cluster: Cluster, console: Console) -> None:
    remember(cluster, "a1")
    cluster.kubeconfig.write_text("old")
    assert cluster.revive(None, console, mounting=False) is False
    assert list(cluster.cache.clusters.iterdir()) == []


def test_another_number_of_nodes_is_refused_not_silently_ignored(
    cluster: Cluster, docker: Path, console: Console
) -> None:
    docker.write_text(listing(RUNNING))
    remember(cluster, "a1")
    with pytest.raises(SetupError, match=r"has 1 node.*--nodes asks for 3.*e2e/kind down"):
        cluster.revive(3, console, mounting=False)


@pytest.mark.parametrize("known", [{}, {"mounts_images": False}], ids=["of an older checkout", "of this one"])
def test_nodes_that_do_not_mount_images_are_refused_where_they_must(
    cluster: Cluster, docker: Path, console: Console, known: dict[str, bool]
) -> None:
    docker.write_text(listing(RUNNING))
    remember(cluster, "a1", **known)
    with pytest.raises(SetupError, match=r"paddle-serving do not mount images, and --image-volumes.*e2e/kind down"):
        cluster.revive(None, console, mounting=True)
    assert docker.read_text()


def test_a_cluster_made_to_mount_images_is_used_for_it_again(
    cluster: Cluster, docker: Path, fake: Fake, console: Console
) -> None:
    fake("kind", f"echo '{listing(RUNNING)}' | grep . > {docker}")
    cluster.create(IMAGE, 1, console)
    fake("kind", "echo kubeconfig")
    fake("kubectl")
    assert cluster.revive(None, console, mounting=True) is True


def test_a_new_cluster_is_remembered_by_its_containers(
    cluster: Cluster, docker: Path, fake: Fake, console: Console, calls: Calls
) -> None:
    fake("kind", f"echo '{listing(RUNNING)}' | grep . > {docker}")
    cluster.create(IMAGE, 1, console)
    assert cluster.record() == Record(has_network=True, containers=("a1",), mounts_images=True)
    (created,) = calls.of("kind", "create")
    assert f"--kubeconfig {cluster.kubeconfig}" in created
    assert cluster.state() is State.RUNNING


@pytest.mark.usefixtures("docker")
def test_a_cluster_is_recorded_before_it_is_made_so_that_a_killed_creation_is_known_as_ours(
    cluster: Cluster, fake: Fake, console: Console, tmp_path: Path
) -> None:
    fake("kind", f"cat {cluster.cache.clusters}/paddle-serving.json > {tmp_path}/seen")
    cluster.create(IMAGE, 1, console)
    assert json.loads((tmp_path / "seen").read_text()) == {
        "has_network": True,
        "containers": [],
        "mounts_images": True,
    }


@pytest.mark.usefixtures("docker")
def test_a_creation_that_fails_shows_what_kind_said(cluster: Cluster, fake: Fake, console: Console) -> None:
    fake("kind", 'echo "ERROR: failed to create cluster: port is taken" >&2; exit 1')
    with pytest.raises(CommandError, match="port is taken"):
        cluster.create(IMAGE, 1, console)
