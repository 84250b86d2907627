"""The commands of `python3 e2e/kind`."""

import argparse
import os
import sys
from collections.abc import Callable
from shlex import quote

from e2e.kind import addons, base_image, containerd, engine, gateway, images, metrics_server, node_image, tools
from e2e.kind.builder import Builder
from e2e.kind.cache import Cache, cache_folder, discard
from e2e.kind.cluster import Cluster, recorded
from e2e.kind.console import Console
from e2e.kind.errors import SetupError

INTERRUPTED = 130


class Session:
    """What every command works with."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.console = Console()
        self.cache = Cache(cache_folder(os.environ))
        self.builder = Builder(self.cache)
        self.cluster = Cluster(os.environ.get("PADDLE_SERVING_CLUSTER") or "paddle-serving", self.cache)


def main(arguments: list[str]) -> int:
    """Runs one command. Returns its exit status: 0, 1 with a sentence on standard error, 130 when interrupted."""
    options = parser().parse_args(arguments)
    session = Session(options)
    command: Callable[[Session], None] = options.command
    try:
        command(session)
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; run it again, finished parts are kept", file=sys.stderr)
        return INTERRUPTED
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python3 e2e/kind", description="A kind cluster for the end-to-end tests.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[Session], None], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    nodes = add("up", up, "makes the cluster and all that it needs, or repairs what is there")
    nodes.add_argument(
        "--nodes", type=node_count, help="nodes of a new cluster: a control plane and workers (default 1)"
    )
    nodes.add_argument(
        "--image-volumes",
        action="store_true",
        help="nodes that mount images as volumes: those of kind's own image do, others get containerd 2 (built once)",
    )
    add("down", down, "deletes the cluster; the cache stays")
    add(
        "clean",
        clean,
        "deletes the cluster, the images built for it, the cache, and stops the Docker engine if `up` started it",
    )
    load_images = add("load", load, "puts images of the Docker engine into every node")
    load_images.add_argument("images", nargs="+", metavar="IMAGE")
    add("env", env, "prints shell lines that point kubectl and helm at the cluster")
    add("kubeconfig", kubeconfig, "prints where the cluster's kubeconfig is")
    add("tools", make_tools, "provides kind, Helm 3 and 4, kubectl, kwok, a control plane; prints the folder for PATH")
    add("gateway", make_gateway, "puts Envoy Gateway into the cluster: the Gateway API, and GatewayClass envoy")
    add("metrics-server", make_metrics_server, "puts metrics-server into the cluster, for autoscaling and kubectl top")
    add("base-image", make_base_image, "provides a Docker engine and the image that the Dockerfiles start from")
    return top


def node_count(text: str) -> int:
    """A number of nodes from the command line."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of nodes; give 1 or more")
    return int(text)


def up(session: Session) -> None:
    """Engine, tools, node image, cluster, network: each only as far as it is not there yet."""
    cache, console, cluster = session.cache, session.console, session.cluster
    wanted = session.options.nodes
    cache.prepare()
    with cache.lock(console):
        engine.ensure(cache, console)
        tools.ensure(tools.FOR_A_CLUSTER, cache, session.builder, console)
        mounting = session.options.image_volumes
        if not cluster.revive(wanted, console, mounting=mounting):
            image = (containerd if mounting else node_image).ensure(cache, session.builder, console)
            cluster.create(image, wanted or 1, console)
        cluster.finish(console)
        tidy(session)
    console.say('ready. Point your shell at it: eval "$(python3 e2e/kind env)"')


def tidy(session: Session) -> None:
    """Frees what builds and loads left behind."""
    leftovers = session.builder.leftovers()
    if leftovers:
        with session.console.step("sources and compiler output") as step:
            for folder in leftovers:
                discard(folder)
            step.result = "removed"


def down(session: Session) -> None:
    """Deletes the cluster where there is one of ours."""
    if not session.cache.root.is_dir():
        session.console.say("nothing was made on this machine")
        return
    session.cache.prepare()
    with session.cache.lock(session.console):
        delete_cluster(session.cluster, session.console)


def delete_cluster(cluster: Cluster, console: Console) -> None:
    """Deletes the cluster. Raises SetupError where one may be left that cannot be reached."""
    with console.step(f"cluster {cluster.name}") as step:
        answer = engine.ask()
        if not answer.ok:
            if cluster.record() is None:
                step.result = "there is none"
                return
            raise SetupError(
                f"The cluster {cluster.name} cannot be deleted: no Docker engine answers ({answer.stderr.strip()})."
                "\nStart the engine, or let `python3 e2e/kind up` do it, and repeat."
            )
        count = cluster.delete()
        step.result = f"deleted, {count} node(s)" if count else "there is none"


def clean(session: Session) -> None:
    """Removes all that was made, also outside of the cache folder: every cluster that the cache remembers too."""
    cache, console = session.cache, session.console
    if not cache.root.is_dir():
        console.say("nothing was made on this machine")
        return
    cache.prepare()
    with cache.lock(console):
        for name in sorted({session.cluster.name, *recorded(cache)}):
            delete_cluster(Cluster(name, cache), console)
        if engine.ask().ok:
            node_image.remove(console)
            base_image.remove(console)
        engine.stop(cache, console)
        cache.remove()
    console.say(f"removed {cache.root}")


def load(session: Session) -> None:
    """Puts images into the nodes."""
    session.cache.prepare()
    with session.cache.lock(session.console):
        images.load(session.options.images, session.cluster, session.console)


def env(session: Session) -> None:
    """Prints lines for `eval`; they are right before the cluster exists, too."""
    print(f'export PATH={quote(str(session.cache.bin))}:"$PATH"')
    print(f"export KUBECONFIG={quote(str(session.cluster.kubeconfig))}")


def kubeconfig(session: Session) -> None:
    """Prints the kubeconfig's path."""
    print(session.cluster.kubeconfig)
    if not session.cluster.kubeconfig.is_file():
        print("there is no such file yet: python3 e2e/kind up makes it", file=sys.stderr)


def make_tools(session: Session) -> None:
    """Builds what PATH lacks and prints the folder that completes it."""
    cache = session.cache
    cache.prepare()
    with cache.lock(session.console):
        kind, helm, kubectl = tools.FOR_A_CLUSTER
        # Helm 4 right after Helm 3: most of what they are compiled from is the same
        wanted = (*tools.FOR_AN_API_SERVER, kind, helm, *tools.FOR_CHARTS, kubectl, *tools.FOR_MANY_PODS)
        tools.ensure(wanted, cache, session.builder, session.console)
        tidy(session)
    print(cache.bin)


def make_gateway(session: Session) -> None:
    """Puts Envoy Gateway into the cluster."""
    install(session, gateway.ensure)


def make_metrics_server(session: Session) -> None:
    """Puts metrics-server into the cluster."""
    install(session, metrics_server.ensure)


def install(session: Session, ensure: Callable[[addons.Setup], None]) -> None:
    """Puts an add-on into the cluster and frees what builds left behind."""
    session.cache.prepare()
    with session.cache.lock(session.console):
        ensure(addons.Setup(session.cluster, session.cache, session.builder, session.console))
        tidy(session)


def make_base_image(session: Session) -> None:
    """The engine and the base image, for builds that need no cluster."""
    session.cache.prepare()
    with session.cache.lock(session.console):
        engine.ensure(session.cache, session.console)
        base_image.ensure(session.cache, session.console)
