"""Puts images of this machine's Docker engine into a registry, and writes what the charts must know of them.

Plain Python without further packages: `make push` runs it in the repository, and a bundle (docs/air-gapped.md) carries
it to where nothing else is. There: python3 push.py registry.example.com/ml
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
_HOST = r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
_FOLDER = r"[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*"
REGISTRY = re.compile(rf"{_HOST}(\.{_HOST})*(:(?P<port>[0-9]{{1,5}}))?(/{_FOLDER})*")
"""As Docker reads the beginning of an image's name."""
LAST_PORT = 65535
TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
PUSHED = re.compile(r"^\S+: digest: (sha256:[0-9a-f]{64}) size: \d+$", re.MULTILINE)

NEEDED = {"operator": "image", "CPU runtime": "profiles.cpu.image"}
"""What every installation pulls, by the key of the operator's chart."""

Docker = Callable[[Sequence[str]], str]
"""Runs docker with these arguments and returns what it prints. Raises PushError where that fails."""


class PushError(Exception):
    """What happened and what to do, in a sentence."""


@dataclass(frozen=True)
class Image:
    """One image of the engine, and who names it."""

    reference: str
    """`repository:tag`, as the engine has it."""
    suffix: str
    """What every tag of it ends with, such as `-gpu`; empty for most."""
    value: str
    """The key of the operator's chart that names it, such as `profiles.cpu.image`; empty where none does."""
    manifest: str
    """The file with the custom resource that names it, such as `examples/ocr-rec.yaml`; empty where none does."""

    @property
    def repository(self) -> str:
        """The name without its tag."""
        return self.reference.rpartition(":")[0]


@dataclass(frozen=True)
class Pushed:
    """An image that a registry has under `name` with this digest."""

    image: Image
    name: str
    digest: str

    @property
    def by_digest(self) -> str:
        """The reference that always means these bytes."""
        return f"{self.name}@{self.digest}"


def checked_registry(text: str) -> str:
    """`host[:port][/path]` without what people paste with it. Raises PushError where images cannot be named so."""
    registry = text.removeprefix("https://").removeprefix("http://").removeprefix("oci://").rstrip("/")
    match = REGISTRY.fullmatch(registry)
    if not match or int(match["port"] or 0) > LAST_PORT:
        raise PushError(f"{text!r} names no registry. Give host[:port][/path], for example registry.example.com/ml.")
    host = registry.partition("/")[0]
    if not ("." in host or ":" in host or host == "localhost"):
        raise PushError(
            f"{text!r} has no host: Docker would take {host!r} for an account on Docker Hub. "
            f"Give the host too, for example registry.example.com/{registry}, or docker.io/{registry} if that is meant."
        )
    return registry


def checked_tags(tags: Sequence[str], images: Sequence[Image]) -> list[str]:
    """The tags, each once. Raises PushError for one that no registry takes, also with what an image adds to it."""
    for tag in tags:
        if not TAG.fullmatch(tag):
            raise PushError(f"{tag!r} is no tag. Letters, digits, '.', '_' and '-' make one, 128 at most.")
        for image in images:
            if not TAG.fullmatch(f"{tag}{image.suffix}"):
                raise PushError(f"{tag!r} is too long: with {image.suffix} of {image.repository} it has more than 128.")
    return list(dict.fromkeys(tags))


def incomplete(images: Sequence[Image]) -> str:
    """What to know of the values file of these images, where it is not all that the charts need; else empty."""
    named = {image.value for image in images}
    missing = [name for name, value in NEEDED.items() if value not in named]
    if not missing:
        return ""
    return (
        f"values.yaml has no digest for the {' and the '.join(missing)}, which were not pushed. Where a values file of "
        "another push has them, give it to helm before this one: --values BEFORE --values values.yaml"
    )


def digest_of(printed: str) -> str:
    """The digest that `docker push` has printed. Raises PushError where there is none."""
    found = PUSHED.findall(printed)
    if not found:
        raise PushError(f"`docker push` has not printed a digest; its last line: {last_line(printed)}")
    return str(found[-1])


def last_line(text: str) -> str:
    """The last line with anything in it; empty where there is none."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def push(image: Image, registry: str, tags: Sequence[str], docker: Docker) -> Pushed:
    """Puts one image there under every tag. Raises PushError."""
    name = f"{registry}/{image.repository}"
    digests = []
    for tag in tags:
        target = f"{name}:{tag}{image.suffix}"
        docker(["tag", image.reference, target])
        digests.append(digest_of(docker(["push", target])))
    return Pushed(image, name, digests[-1])


def values(registry: str, pushed: Sequence[Pushed]) -> str:
    """A values file for the operator's chart: the registry, and the digest of each image that the chart names."""
    tree: dict[str, Any] = {"imageRegistry": registry}
    for each in pushed:
        if each.image.value:
            place = tree
            for key in each.image.value.split("."):
                place = place.setdefault(key, {})
            place["digest"] = each.digest
    return "".join(f"{line}\n" for line in yaml_lines(tree))


def yaml_lines(tree: dict[str, Any], indent: str = "") -> list[str]:
    """A mapping of mappings and texts as lines of YAML."""
    lines = []
    for key, value in tree.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}:", *yaml_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {json.dumps(value)}")
    return lines


def with_reference(manifest: str, pushed: Pushed) -> str:
    """A custom resource that takes its model from the registry, by digest. Raises PushError where it names another."""
    named = f'"{pushed.image.reference}"'
    if named not in manifest:
        raise PushError(f"{pushed.image.manifest} does not name {named}, which it should take its model from.")
    return manifest.replace(named, f'"{pushed.by_digest}"')


def run_docker(arguments: Sequence[str]) -> str:
    """Docker on this machine, what it prints shown as it comes. Raises PushError."""
    print(f"$ docker {' '.join(arguments)}", file=sys.stderr, flush=True)
    try:
        process = subprocess.Popen(
            ["docker", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
    except OSError as error:
        raise PushError(f"docker cannot be started ({error.strerror}). Install Docker, or start it.") from error
    printed = []
    for line in process.stdout or ():
        print(f"    {line}", end="", file=sys.stderr, flush=True)
        printed.append(line)
    if process.wait() != 0:
        raise PushError(refused(arguments, "".join(printed)))
    return "".join(printed)


def refused(arguments: Sequence[str], printed: str) -> str:
    """What to do where docker has failed, in a sentence."""
    reason = last_line(printed)
    said = f"`docker {' '.join(arguments)}` failed: {reason}."
    if "no such image" in reason.lower():
        return f"{said} Build it first (make images), or load it (docker load --input images.tar)."
    if any(word in reason.lower() for word in ("denied", "unauthorized", "authentication", "credentials")):
        host = arguments[-1].partition("/")[0]
        return f"{said} Log in first (docker login {host}), with an account that may push there."
    return f"{said} Is the Docker engine running, and does it reach the registry?"


def read(path: Path) -> tuple[str, list[Image]]:
    """Version and images of a bundle's images.json."""
    document = json.loads(path.read_text())
    return document["version"], [Image(**image) for image in document["images"]]


def push_all(images: Sequence[Image], registry: str, tags: Sequence[str], root: Path, output: Path) -> None:
    """Pushes every image and writes values.yaml, the custom resources and images.txt to `output`. Raises PushError."""
    registry, tags = checked_registry(registry), checked_tags(tags, images)
    for old in [*output.glob("*.yaml"), output / "images.txt"]:  # of another push, perhaps to another registry
        old.unlink(missing_ok=True)
    pushed = [push(image, registry, tags, run_docker) for image in images]
    output.mkdir(parents=True, exist_ok=True)
    text = values(registry, pushed)
    (output / "values.yaml").write_text(text)
    (output / "images.txt").write_text("".join(f"{each.by_digest}\n" for each in pushed))
    for each in pushed:
        if each.image.manifest:
            manifest = with_reference((root / each.image.manifest).read_text(), each)
            (output / Path(each.image.manifest).name).write_text(manifest)
    print(f"# {output / 'values.yaml'}\n{text}", flush=True)
    if said := incomplete(images):
        print(f"note: {said}", file=sys.stderr)


def main() -> int:
    """The exit status of `python3 push.py` in a bundle: 0, or 1 with a sentence."""
    parser = argparse.ArgumentParser(description="Puts the bundle's images, once loaded, into a registry.")
    parser.add_argument("registry", help="host[:port][/path], for example registry.example.com/ml")
    parser.add_argument("--tags", nargs="+", help="default: the bundle's version")
    arguments = parser.parse_args()
    try:
        version, images = read(HERE / "images.json")
        push_all(images, arguments.registry, arguments.tags or [version], HERE, HERE / "pushed")
    except (PushError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
