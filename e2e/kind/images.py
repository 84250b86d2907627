"""Images of the Docker engine, put into the nodes."""

import json
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from e2e.kind.archive import Fan, write_thin
from e2e.kind.cache import GIGABYTE, Cache, require_space
from e2e.kind.cluster import Cluster
from e2e.kind.console import Console, Step
from e2e.kind.docker import docker
from e2e.kind.errors import CommandError, SetupError
from e2e.kind.node_image import full_name
from e2e.kind.process import capture, logged

CHUNK = 1024 * 1024
MEGABYTE = 1_000_000
UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
ASK_TIMEOUT = 60.0
CTR = ("ctr", "--namespace", "k8s.io")
# Leaving layers out needs a file in between, a fifth of the time; it pays once a quarter need not be sent.
WORTH_LEAVING_OUT = 0.25


@dataclass(frozen=True)
class Image:
    """An image of the engine: its id, its size in bytes, the digests of its layers as plain tar files."""

    name: str
    identity: str
    size: int
    layers: tuple[str, ...]


def load(names: Sequence[str], cluster: Cluster, console: Console) -> None:
    """Puts each image into every node that does not have it. Raises SetupError and CommandError."""
    cluster.require_running()
    nodes = [node.name for node in cluster.nodes()]
    for name in names:
        with console.step(name) as step:
            image = inspect(name)
            missing = [node for node in nodes if not has(node, image)]
            if not missing:
                step.result = "already on every node"
                continue
            sent = send(image, missing, cluster.cache, step)
            if failed := [node for node in missing if not has(node, image)]:
                raise SetupError(f"{name} was sent to {', '.join(failed)}, which still lack {image.identity}.")
            left_out = f" of {image.size // MEGABYTE}" if sent < image.size else ""
            step.result = f"{sent // MEGABYTE}{left_out} MB sent to {', '.join(missing)}"


def inspect(name: str) -> Image:
    """What the engine knows of an image. Raises SetupError where it has none of this name."""
    shown = capture(["docker", "image", "inspect", name], timeout=ASK_TIMEOUT)
    if not shown.ok:
        raise SetupError(f"The Docker engine has no image {name} ({shown.stderr.strip()}). Build it first: make images")
    (facts,) = json.loads(shown.stdout)
    return Image(name, facts["Id"], facts["Size"], tuple(facts["RootFS"].get("Layers") or ()))


def has(node: str, image: Image) -> bool:
    """Whether a node's image of this name is the very image that the engine has."""
    listing = docker("exec", node, "crictl", "images", "--output", "json")
    return image.identity in identities(listing, full_name(image.name))


def identities(listing: str, name: str) -> set[str]:
    """The digests by which crictl's listing knows an image: of its configuration, and of its manifest.

    The first is the engine's image id, the second that of an engine with the containerd image store.
    """
    tagged = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
    entries = [entry for entry in json.loads(listing)["images"] if tagged in entry["repoTags"]]
    manifests = {digest.rpartition("@")[2] for entry in entries for digest in entry["repoDigests"]}
    return {entry["id"] for entry in entries} | manifests


def send(image: Image, nodes: Sequence[str], cache: Cache, step: Step) -> int:
    """Sends an image to nodes, without the layers that all of them have where this saves much. Returns bytes sent."""
    log = cache.log("load")
    held = [contents(docker("exec", node, *CTR, "content", "ls")) for node in nodes]
    known = {digest: held[0][digest] for digest in image.layers if all(digest in each for each in held)}
    if sum(known.values()) < image.size * WORTH_LEAVING_OUT:
        return fan_out(image.name, nodes, log, step, lambda fan: save_into(fan, image.name, log))
    require_space(cache.work, 2 * image.size / GIGABYTE, f"loading {image.name}")
    step.doing = f"{image.name}: saving"
    saved = cache.workspace("load") / "image.tar"
    logged(["docker", "save", "--output", saved, image.name], log)

    def produce(fan: Fan) -> None:
        if not write_thin(saved, full_name(image.name), known.keys(), fan):
            with saved.open("rb") as file:
                while data := file.read(CHUNK):
                    fan.write(data)

    try:
        return fan_out(image.name, nodes, log, step, produce)
    finally:
        saved.unlink()


def contents(listing: str) -> Mapping[str, int]:
    """Digest and size in bytes of what `ctr content ls` lists."""
    rows = re.findall(r"^(sha256:\w+)\s+([\d.]+)([kMGT]?)B\s", listing, re.MULTILINE)
    return {digest: round(float(number) * UNITS[unit]) for digest, number, unit in rows}


def fan_out(name: str, nodes: Sequence[str], log: Path, step: Step, produce: Callable[[Fan], None]) -> int:
    """Imports on every node at once what `produce` writes. Returns bytes. Raises CommandError with the reason."""

    def tell(sent: int) -> None:
        step.doing = f"{name}: {sent // MEGABYTE} MB sent to {', '.join(nodes)}"

    with ExitStack() as stack, log.open("ab") as output:
        imports = [importer(node, output, stack) for node in nodes]
        fan = Fan([each.stdin for each in imports if each.stdin], tell)
        with suppress(BrokenPipeError):  # an importer has ended early; its status and its words in the log tell why
            produce(fan)
        for each in imports:
            with suppress(BrokenPipeError):
                each.stdin.close() if each.stdin else None
        step.doing = f"{name}: unpacking {fan.sent // MEGABYTE} MB"
    if failed := [each for each in imports if each.returncode != 0]:
        raise CommandError("ctr images import", failed[0].returncode, log)
    return fan.sent


def importer(node: str, output: IO[bytes], stack: ExitStack) -> subprocess.Popen[bytes]:
    """A program that imports into a node what it is given to read."""
    command = ["docker", "exec", "--interactive", node, *CTR, "images", "import", "-"]
    return stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output))


def save_into(fan: Fan, name: str, log: Path) -> None:
    """Streams an image out of the engine. Raises CommandError when it ends before it is complete."""
    command = ["docker", "save", name]
    with log.open("ab") as errors, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as save:
        while save.stdout and (data := save.stdout.read(CHUNK)):
            fan.write(data)
    if save.returncode != 0:
        raise CommandError(f"docker save {name}", save.returncode, log)
