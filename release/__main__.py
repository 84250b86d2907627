"""`push`: images into your registry; `package`: charts, plugin, SBOM; `bundle`: that and the images, in a file.

`check` looks at what `push` would be given, before images are built for it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from e2e.kind.console import Console
from images.catalogue import ROOT, CatalogueError, read, select
from release import charts, package
from release.errors import ReleaseError
from release.push import Image, PushError, checked_registry, checked_tags, push_all

BUILD = ROOT / "build"

PUSHED = """
On your cluster, with these images by digest:

  helm upgrade --install {operator} charts/{operator} -n paddle-system --create-namespace --values {folder}/values.yaml
  kubectl apply --filename {folder}/{manifest}
"""


def arguments_of(line: list[str] | None = None) -> argparse.Namespace:
    """The command line, read."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument("command", choices=["check", "push", "package", "bundle"])
    parser.add_argument("names", nargs="*", help="names of images/images.yaml; none: every default image")
    parser.add_argument("--registry", default="", help="host[:port][/path]: where images (push) or charts (package) go")
    parser.add_argument("--tags", default="", help="tags of every image, separated by spaces; default: the version")
    return parser.parse_intermixed_args(line)  # names stand behind the options


def chosen(names: list[str]) -> tuple[str, list[Image]]:
    """The version and the images. Raises CatalogueError."""
    images = read()
    version = images["paddle-serving-operator"].reference.rpartition(":")[2]
    return version, package.described(select(images, names), version)


def check(arguments: argparse.Namespace) -> None:
    """Raises CatalogueError and PushError for what `push` would refuse."""
    _, images = chosen(arguments.names)
    checked_registry(arguments.registry)
    checked_tags(arguments.tags.split(), images)


def push(arguments: argparse.Namespace) -> None:
    """Images into the registry, and what to type next."""
    version, images = chosen(arguments.names)
    output = BUILD / "push"
    push_all(images, arguments.registry, arguments.tags.split() or [version], ROOT, output)
    manifests = [Path(image.manifest).name for image in images if image.manifest] or ["your-service.yaml"]
    folder = output.relative_to(ROOT)
    print(PUSHED.format(operator=charts.NAMES[0], folder=folder, manifest=manifests[0]), file=sys.stderr)


def pack(arguments: argparse.Namespace, console: Console) -> None:
    """The package's folder, and its charts into the registry where one is given; or the bundle."""
    version, images = chosen(arguments.names)
    registry = checked_registry(arguments.registry) if arguments.registry else ""
    folder = BUILD / "package" / f"paddle-serving-{version}"
    package.fill(folder, images, version, console)
    if arguments.command == "bundle":
        with console.step(f"{len(images)} images"):
            package.save_images(folder, images)
    package.write_sums(folder)
    if registry:
        with console.step(f"charts to {registry}"):
            print("\n".join(charts.push(sorted((folder / "charts").glob("*.tgz")), registry)))
    if arguments.command == "bundle":
        with console.step("one file"):
            folder = package.in_one_file(folder)
    print(folder)


def main() -> int:
    """The exit status: 0 done, 1 with a sentence, 2 an unknown image."""
    arguments = arguments_of()
    try:
        if arguments.command == "check":
            check(arguments)
        elif arguments.command == "push":
            push(arguments)
        else:
            pack(arguments, Console())
    except CatalogueError as error:
        print(error, file=sys.stderr)
        return 2
    except (PushError, ReleaseError, OSError) as error:  # a full disk, for example
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
