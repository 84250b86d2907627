"""A node image with containerd 2 in the place of Debian 12's 1.6, which cannot mount container images as volumes."""

import hashlib
import shutil
from pathlib import Path

from e2e.kind import node_image
from e2e.kind.builder import Builder, Module
from e2e.kind.cache import Cache
from e2e.kind.console import Console
from e2e.kind.docker import QUICK, build, image_id
from e2e.kind.node_image import HASH_LENGTH, REPOSITORY, NodeImage, link, own_images
from e2e.kind.process import capture
from e2e.kind.versions import CONTAINERD

RECIPE = Path(__file__).parent / "containerd.Dockerfile"
IMAGE_REPOSITORY = f"{REPOSITORY}/node-containerd"
PATH = "github.com/containerd/containerd/v2"
PROGRAMS = ("containerd", "containerd-shim-runc-v2", "ctr")


def ensure(cache: Cache, builder: Builder, console: Console) -> NodeImage:
    """Makes sure that the engine has a node image that mounts images: upstream's does. Raises SetupError."""
    below = node_image.ensure(cache, builder, console)
    if below.mounts_images:
        return below
    tag = local_tag(below.name)
    if not image_id(tag):
        make(tag, below.name, cache, builder, console)
    console.say(f"node image: {tag}, built on this machine")
    return NodeImage(tag, has_network=below.has_network, mounts_images=True)


def local_tag(below: str) -> str:
    """The name of the image built here; it changes with the image below it, the release and the recipe."""
    digest = hashlib.sha256(below.encode() + RECIPE.read_bytes())
    return f"{IMAGE_REPOSITORY}:{CONTAINERD}-{digest.hexdigest()[:HASH_LENGTH]}"


def modules() -> list[Module]:
    """The programs. They share what is compiled, which the last of them throws away."""
    stamp = f"-X {PATH}/version.Version={CONTAINERD}"
    return [
        Module(name, CONTAINERD, PATH, f"{PATH}/cmd/{name}", stamp, is_kept=name != PROGRAMS[-1]) for name in PROGRAMS
    ]


def make(tag: str, below: str, cache: Cache, builder: Builder, console: Console) -> None:
    """Builds the image on the node image `below`. Raises CommandError and SetupError."""
    programs = {}
    for module in modules():
        with console.step(module.name) as step:
            programs[module.name] = builder.module(module, step)
            step.result = "built" if programs[module.name].name in builder.made else "in the cache"
    with console.step(f"node image with containerd {CONTAINERD}") as step:
        context = cache.workspace("image-containerd")
        for name, program in programs.items():
            link(program, context / name)
        build(tag, RECIPE, context, cache.log("node-image-containerd"), NODE_IMAGE=below)
        shutil.rmtree(context)
        step.result = f"built as {tag}"
    for older in own_images():
        if older.startswith(f"{IMAGE_REPOSITORY}:") and older != tag:
            capture(["docker", "image", "rm", older], timeout=QUICK)  # refused while a cluster runs on it
