"""A cluster node's image: kind's own where an image registry answers, else one built from packages and Go modules."""

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from e2e.kind import base_image
from e2e.kind.builder import Builder, Module, our_name
from e2e.kind.cache import Cache, require_space
from e2e.kind.console import Console, Step
from e2e.kind.docker import QUICK, build, data_root, docker, image_id, last_line, pull
from e2e.kind.errors import SetupError
from e2e.kind.process import capture, logged
from e2e.kind.tools import KIND_MODULE
from e2e.kind.versions import (
    BASE_IMAGE,
    COREDNS,
    CRICTL,
    ETCD_TAG,
    KIND,
    KUBERNETES,
    PAUSE_TAG,
    STORAGE_PROVISIONER,
    UPSTREAM_NODE_IMAGE,
)

HERE = Path(__file__).parent
RECIPES = HERE / "node"
REPOSITORY = "paddle-serving-kind"
NODE_REPOSITORY = f"{REPOSITORY}/node"
HASH_LENGTH = 10
NEEDED_GIGABYTES = 4.0
CRICTL_MODULE = Module("crictl", CRICTL, "sigs.k8s.io/cri-tools", "sigs.k8s.io/cri-tools/cmd/crictl")
PROVISIONER_MODULE = Module("local-path-provisioner", STORAGE_PROVISIONER, "github.com/rancher/local-path-provisioner")


@dataclass(frozen=True)
class NodeImage:
    """An image that the engine has, whether it brings kind's pod network, and whether its nodes mount images.

    One built here has no network, and mounts images where containerd.py made it.
    """

    name: str
    has_network: bool
    mounts_images: bool


@dataclass(frozen=True)
class Storage:
    """What kind's source says about the default storage class: its manifest, and the two images that this names."""

    manifest: str
    provisioner: str
    helper: str


def ensure(cache: Cache, builder: Builder, console: Console) -> NodeImage:
    """Makes sure that the engine has a node image, the upstream one if it can be had. Raises SetupError."""
    with console.step("node image") as step:
        log = cache.log("node-image-pull")
        if image_id(UPSTREAM_NODE_IMAGE) or pull(UPSTREAM_NODE_IMAGE, log, step):
            step.result = UPSTREAM_NODE_IMAGE
            return NodeImage(UPSTREAM_NODE_IMAGE, has_network=True, mounts_images=True)
        reason = last_line(log)
        step.result = f"not available from a registry ({reason})"
    tag = local_tag()
    if not image_id(tag):
        base_image.ensure(cache, console)
        require_space(data_root(), NEEDED_GIGABYTES, "building the node image")
        make(tag, cache, builder, console)
    console.say(f"node image: {tag}, built on this machine")
    return NodeImage(tag, has_network=False, mounts_images=False)


def local_tag() -> str:
    """The name of the image built here; it changes with everything that the image is made of."""
    parts = [
        KIND,
        CRICTL,
        STORAGE_PROVISIONER,
        ETCD_TAG,
        PAUSE_TAG,
        our_name("kubernetes", KUBERNETES),
        our_name("coredns", COREDNS),
    ]
    digest = hashlib.sha256(" ".join(parts).encode())
    for recipe in sorted(RECIPES.iterdir()):
        digest.update(recipe.read_bytes())
    return f"{NODE_REPOSITORY}:{KUBERNETES}-{digest.hexdigest()[:HASH_LENGTH]}"


def make(tag: str, cache: Cache, builder: Builder, console: Console) -> None:
    """Builds the node image with all that it contains. Raises CommandError or SetupError."""
    programs = {}
    for name in ("crictl", "local-path-provisioner", "coredns", "kubernetes"):
        with console.step(name) as step:
            programs[name] = program(name, builder, step)
            step.result = "built" if programs[name].name in builder.made else "in the cache"
    log = cache.log("node-image")
    with console.step("images of the control plane") as step:
        source = builder.source(KIND_MODULE, log)
        storage = parse_storage((source / "pkg/build/nodeimage/const_storage.go").read_text())
        names = control_plane(programs, storage, cache, log, step)
    with console.step("node image") as step:
        context = node_context(cache, source, programs)
        write_facts(context, storage, names)
        step.doing = "node image: saving the control plane's images"
        logged(["docker", "save", "--output", context / "images.tar", *sorted(set(names.values()))], log)
        step.doing = "node image: building"
        build(tag, RECIPES / "node.Dockerfile", context, log)
        step.result = f"built as {tag}"
    shutil.rmtree(context)
    for older in own_images():
        if older.startswith(f"{NODE_REPOSITORY}:") and older != tag:
            capture(["docker", "image", "rm", older], timeout=QUICK)  # refused while a cluster runs on it


def program(name: str, builder: Builder, step: Step) -> Path:
    """One of the programs that go into the node image."""
    match name:
        case "crictl":
            return builder.module(CRICTL_MODULE, step)
        case "local-path-provisioner":
            return builder.module(PROVISIONER_MODULE, step)
        case "coredns":
            return builder.coredns(step)
        case _:
            return builder.kubernetes(step)


def parse_storage(go_source: str) -> Storage:
    """The constants of kind's const_storage.go, the images put into the manifest. Raises SetupError."""
    images = dict(re.findall(r'^const (storage\w+Image) = "([^"]+)"', go_source, re.MULTILINE))
    manifest = re.search(r"^const defaultStorageManifest = `(.*?)^`", go_source, re.MULTILINE | re.DOTALL)
    if manifest is None or {"storageProvisionerImage", "storageHelperImage"} - images.keys():
        raise SetupError(
            f"kind {KIND}'s pkg/build/nodeimage/const_storage.go lacks constants that its node image is made from."
            " Compare it with the release named in e2e/kind/versions.py and adapt parse_storage."
        )
    text = re.sub(r"` \+ (\w+) \+ `", lambda name: images[name[1]], manifest[1])
    return Storage(text, images["storageProvisionerImage"], images["storageHelperImage"])


def control_plane(programs: dict[str, Path], storage: Storage, cache: Cache, log: Path, step: Step) -> dict[str, str]:
    """Builds what the node runs. Returns our image for every image name that kubeadm and kind's manifests ask for."""
    ours = {}
    for recipe, name in (
        ("kubernetes", "kubernetes"),
        ("coredns", "coredns"),
        ("provisioner", "local-path-provisioner"),
        ("pause", ""),
    ):
        step.doing = f"building the image of {recipe}"
        context = cache.workspace(f"image-{recipe}")
        if name:
            link(programs[name], context / name)
        ours[recipe] = f"{REPOSITORY}/{recipe}:{KUBERNETES}"
        build(ours[recipe], RECIPES / f"{recipe}.Dockerfile", context, log)
        shutil.rmtree(context)
    registry = "registry.k8s.io"
    components = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
    return {
        **{f"{registry}/{component}:{KUBERNETES}": ours["kubernetes"] for component in components},
        f"{registry}/etcd:{ETCD_TAG}": ours["kubernetes"],
        f"{registry}/coredns/coredns:{COREDNS}": ours["coredns"],
        f"{registry}/pause:{PAUSE_TAG}": ours["pause"],
        storage.provisioner: ours["provisioner"],
        storage.helper: BASE_IMAGE,
    }


def node_context(cache: Cache, source: Path, programs: dict[str, Path]) -> Path:
    """A build context with the programs, and the files that kind's own base image is made of, taken from its module."""
    context = cache.workspace("image-node")
    shutil.copytree(source / "images/base/files", context / "files", ignore=shutil.ignore_patterns("LICENSES"))
    (context / "bin").mkdir()
    for name in ("kubernetes", "crictl"):
        link(programs[name], context / "bin" / name)
    return context


def write_facts(context: Path, storage: Storage, names: dict[str, str]) -> None:
    """Adds the files that node.Dockerfile reads: version, storage manifest, and which image gets which names."""
    (context / "version").write_text(KUBERNETES)
    (context / "pause-image").write_text(f"registry.k8s.io/pause:{PAUSE_TAG}\n")
    (context / "manifests").mkdir()
    (context / "manifests/default-storage.yaml").write_text(storage.manifest)
    lines = [f"{full_name(image)} {name}\n" for name, image in sorted(names.items())]
    (context / "image-names").write_text("".join(lines))


def full_name(image: str) -> str:
    """An image name as containerd has it: `docker.io/library/debian:bookworm-slim` for `debian:bookworm-slim`."""
    first, _, rest = image.partition("/")
    if rest and ("." in first or ":" in first or first == "localhost"):
        return image
    return f"docker.io/{image}" if rest else f"docker.io/library/{image}"


def link(program_file: Path, target: Path) -> None:
    """A second name for a file of the cache, without copying its bytes."""
    os.link(program_file, target)


def own_images() -> list[str]:
    """The names of all images that this module built."""
    listed = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    return [name for name in listed if name.startswith(f"{REPOSITORY}/")]


def remove(console: Console) -> None:
    """Deletes every image that this module built; an upstream node image stays, like everything that was pulled."""
    if ours := own_images():
        docker("image", "rm", *ours)
        console.say(f"removed {len(ours)} image(s) of {REPOSITORY}/")
