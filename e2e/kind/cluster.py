"""One kind cluster of our own: made, revived, deleted; any other is left alone."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum

from e2e.kind import network
from e2e.kind.cache import Cache, write_atomically
from e2e.kind.configuration import configuration
from e2e.kind.console import Console, Step
from e2e.kind.docker import docker
from e2e.kind.errors import SetupError
from e2e.kind.node_image import NodeImage
from e2e.kind.process import capture, logged, wait_until
from e2e.kind.tools import program

KIND_ENV = {"KIND_EXPERIMENTAL_PROVIDER": "docker"}
ANSWERS_WITHIN = 90.0
READY_WITHIN = "180s"
QUICK = 60.0
WORKLOADS = (("kube-system", "deployment/coredns"), ("local-path-storage", "deployment/local-path-provisioner"))


class State(Enum):
    """What there is of a cluster, by the containers of its name and our record of it."""

    ABSENT = "there is none"
    FOREIGN = "made by somebody else"
    UNFINISHED = "ours, but incomplete"
    STOPPED = "ours, with nodes that do not run"
    RUNNING = "ours, all nodes run"


@dataclass(frozen=True)
class Node:
    """A node's container."""

    id: str
    name: str
    role: str
    running: bool


@dataclass(frozen=True)
class Record:
    """What the cache remembers of a cluster: written before it is made, and again with the ids of its containers."""

    has_network: bool
    containers: tuple[str, ...] = ()
    mounts_images: bool = False


def decide(nodes: Sequence[Node], record: Record | None) -> State:
    """What state a cluster is in. A container that the record does not name makes it somebody else's."""
    if not nodes:
        return State.ABSENT
    if record is None:
        return State.FOREIGN
    if not record.containers:
        return State.UNFINISHED
    found = {node.id for node in nodes}
    if found - set(record.containers):
        return State.FOREIGN
    if found != set(record.containers):
        return State.UNFINISHED
    return State.RUNNING if all(node.running for node in nodes) else State.STOPPED


def recorded(cache: Cache) -> list[str]:
    """The names of the clusters that the cache remembers."""
    return [path.stem for path in cache.clusters.glob("*.json")]


def address(container: str) -> str:
    """A running container's address on its one network."""
    networks = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return docker("inspect", "--format", networks, container).strip()


class Cluster:
    """The cluster of one name. The cache holds its record and its kubeconfig; ~/.kube/config is never touched."""

    def __init__(self, name: str, cache: Cache) -> None:
        self.name = name
        self.cache = cache
        self.kubeconfig = cache.clusters / f"{name}.kubeconfig"
        self._record = cache.clusters / f"{name}.json"

    def nodes(self) -> list[Node]:
        """The containers of this name in the engine, the control plane first, whoever made them."""
        label = "io.x-k8s.kind"
        columns = f'{{{{.ID}}}} {{{{.Names}}}} {{{{.Label "{label}.role"}}}} {{{{.State}}}}'
        options = ["--all", "--no-trunc", "--filter", f"label={label}.cluster={self.name}", "--format", columns]
        rows = [line.split() for line in docker("ps", *options).splitlines()]
        nodes = [Node(identity, name, role, state == "running") for identity, name, role, state in rows]
        return sorted(nodes, key=lambda node: (node.role != "control-plane", node.name))

    def record(self) -> Record | None:
        """What we remember of this cluster, or None."""
        try:
            content = json.loads(self._record.read_text())
            mounting = bool(content.get("mounts_images"))  # records did not say so from the beginning
            return Record(bool(content["has_network"]), tuple(content["containers"]), mounting)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def state(self) -> State:
        """What there is. Raises SetupError where a cluster of this name belongs to somebody else."""
        state = decide(self.nodes(), self.record())
        if state is State.FOREIGN:
            raise SetupError(
                f"There is a kind cluster named {self.name} that e2e/kind did not make; it is left alone."
                " Set PADDLE_SERVING_CLUSTER to another name, or delete it yourself:"
                f" kind delete cluster --name {self.name}"
            )
        return state

    def require_running(self) -> None:
        """Raises SetupError where there is no cluster of ours of which all nodes run."""
        if self.state() is not State.RUNNING:
            raise SetupError(f"The cluster {self.name} does not run. Start it first: python3 e2e/kind up")

    def revive(self, wanted: int | None, console: Console, *, mounting: bool) -> bool:
        """Uses the cluster that is there: starts it, mends its kubeconfig. Returns whether it serves now.

        One of ours that cannot be revived is deleted. Raises SetupError for another number of nodes than `wanted`, and
        for nodes that do not mount images where `mounting` asks for it.
        """
        with console.step(f"cluster {self.name}") as step:
            state = self.state()
            if state is State.ABSENT:
                step.result = state.value
                self.forget()
                return False
            nodes = self.nodes()
            step.result = f"{state.value}: deleted, to be made again"
            if state is not State.UNFINISHED:
                self._require_count(len(nodes), wanted)
                if mounting:
                    self._require_mounting()
                stopped = [node for node in nodes if not node.running]
                if self._start(stopped, step) and self._serves():
                    step.result = f"{len(nodes)} node(s), {f'{len(stopped)} started again' if stopped else 'running'}"
                    return True
                step.result = f"{state.value}, but its API server does not come back: deleted, to be made again"
            self.delete()
            return False

    def create(self, image: NodeImage, count: int, console: Console) -> None:
        """Makes the cluster. Raises CommandError; kind removes what it had begun."""
        log = self.cache.log("cluster")
        record = Record(image.has_network, mounts_images=image.mounts_images)
        with console.step(f"cluster {self.name}") as step:
            step.doing = f"making the cluster {self.name} with {count} node(s)"
            self._remember(record)
            kind = [program("kind", self.cache), "create", "cluster", "--name", self.name, "--image", image.name]
            options = ["--config", "-", "--kubeconfig", str(self.kubeconfig)]
            logged([*kind, *options], log, env=KIND_ENV, stdin=configuration(count, has_network=image.has_network))
            self._remember(replace(record, containers=tuple(node.id for node in self.nodes())))
            step.result = f"made with {count} node(s)"

    def finish(self, console: Console) -> None:
        """Gives the nodes a pod network where the image has none; waits until nodes, DNS and storage are ready."""
        record = self.record()
        names = [node.name for node in self.nodes()]
        if record is not None and not record.has_network:
            with console.step("pod network"):
                network.connect({name: address(name) for name in names}, self.kubectl)
        log = self.cache.log("ready")
        with console.step("nodes, DNS and storage") as step:
            step.doing = "waiting for nodes, DNS and storage"
            kubectl = self.kubectl_command()
            logged([*kubectl, "wait", "--for=condition=Ready", "nodes", "--all", "--timeout", READY_WITHIN], log)
            for namespace, workload in WORKLOADS:
                logged([*kubectl, "-n", namespace, "rollout", "status", workload, "--timeout", READY_WITHIN], log)
            network.await_dns(names, self.kubectl)
            step.result = "ready"

    def delete(self) -> int:
        """Removes the containers, the kubeconfig and the record; returns how many nodes. Raises SetupError."""
        self.state()
        nodes = self.nodes()
        if nodes:
            docker("rm", "--force", "--volumes", *(node.id for node in nodes))
        self.forget()
        return len(nodes)

    def forget(self) -> None:
        """Removes kubeconfig and record."""
        self.kubeconfig.unlink(missing_ok=True)
        self._record.unlink(missing_ok=True)

    def kubectl(self, *args: str) -> str:
        """What a quick kubectl command prints. Raises SetupError when it fails."""
        done = capture([*self.kubectl_command(), *args], timeout=QUICK)
        if not done.ok:
            raise SetupError(f"`kubectl {' '.join(args[:3])}` failed: {done.stderr.strip()}")
        return done.stdout

    def kubectl_command(self) -> list[str]:
        """The command line of kubectl for this cluster, without arguments."""
        return [program("kubectl", self.cache), "--kubeconfig", str(self.kubeconfig)]

    def _remember(self, record: Record) -> None:
        write_atomically(self._record, json.dumps(asdict(record)))

    def _require_count(self, found: int, wanted: int | None) -> None:
        if wanted is not None and wanted != found:
            raise SetupError(
                f"The cluster {self.name} has {found} node(s), and --nodes asks for {wanted}."
                " Delete it first: python3 e2e/kind down"
            )

    def _require_mounting(self) -> None:
        record = self.record()
        if record is not None and not record.mounts_images:
            raise SetupError(
                f"The nodes of the cluster {self.name} do not mount images, and --image-volumes asks for it."
                " Set PADDLE_SERVING_CLUSTER to another name, or delete the cluster first: python3 e2e/kind down"
            )

    def _start(self, nodes: Sequence[Node], step: Step) -> bool:
        for node in nodes:
            step.doing = f"starting {node.name}"
            if not capture(["docker", "start", node.id], timeout=QUICK).ok:
                return False
        return True

    def _serves(self) -> bool:
        def answers() -> bool:
            if not self._refresh_kubeconfig():
                return False
            ask = [*self.kubectl_command(), "get", "--raw=/readyz", "--request-timeout=5s"]
            return capture(ask, timeout=QUICK).ok

        return wait_until(answers, ANSWERS_WITHIN)

    def _refresh_kubeconfig(self) -> bool:
        got = capture([program("kind", self.cache), "get", "kubeconfig", "--name", self.name], timeout=QUICK)
        if not got.ok:
            return False
        if not self.kubeconfig.is_file() or self.kubeconfig.read_text() != got.stdout:
            write_atomically(self.kubeconfig, got.stdout, mode=0o600)
        return True
