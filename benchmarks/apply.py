"""Seconds from `kubectl apply` of the OCR example until it is Healthy: this checkout beside another one.

Both operators are installed in turn on the project's kind cluster; needs the images of both there. The other checkout
has another version in its images/images.yaml, so that its images have tags of their own.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks.models import ROOT
from benchmarks.results import Results, arguments, output_of
from e2e.lib import session
from images.catalogue import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.lib.cluster import Cluster, Namespace

EXAMPLE = "ocr-rec"
HEALTHY = "jsonpath={.status.phase}=Healthy"
HEALTHY_SECONDS = 120
ROUNDS, APPLIES, QUICK_APPLIES = 4, 5, 1


@dataclass(frozen=True, slots=True)
class Build:
    """A checkout of this project whose images are on the cluster's nodes."""

    name: str
    root: Path

    def image(self, name: str) -> str:
        """The reference of one of its images."""
        return read(self.root / "images" / "images.yaml")[name].reference

    def install(self, cluster: Cluster) -> None:
        """Installs its operator, or puts it in the place of the other's."""
        chart = self.root / "charts" / "paddle-serving-operator"
        session.install_operator(cluster, chart=chart, image_of=self.image)

    def example(self) -> dict[str, Any]:
        """Its custom resource of the OCR example, with its own image of the model."""
        resource: dict[str, Any] = yaml.safe_load((self.root / "examples" / f"{EXAMPLE}.yaml").read_text())
        source = resource["spec"]["model"]["source"]
        source["image"]["reference"] = self.image(f"paddle-serving-example-{EXAMPLE}")
        return resource


def seconds_to_healthy(namespace: Namespace, resource: dict[str, Any]) -> float:
    """Applies it, waits, and deletes it with its pods. Raises CommandFailed where it is not Healthy in time."""
    name, manifest = f"paddleservice/{resource['metadata']['name']}", json.dumps(resource)
    began = time.monotonic()
    namespace.kubectl("apply", "-f", "-", stdin=manifest)
    wait = ("wait", name, f"--for={HEALTHY}", f"--timeout={HEALTHY_SECONDS}s")
    namespace.kubectl(*wait, timeout=HEALTHY_SECONDS + 10)
    seconds = time.monotonic() - began
    namespace.kubectl("delete", name, "--cascade=foreground", "--timeout=60s", timeout=70)
    return seconds


def measure(build: Build, cluster: Cluster, applies: int) -> Iterator[float]:
    """Seconds of so many applies with this build's operator; the first, which warms it up, is not among them."""
    build.install(cluster)
    with session.temporary_namespace(cluster, f"bench apply {build.name}") as namespace:
        seconds_to_healthy(namespace, build.example())
        for _ in range(applies):
            yield seconds_to_healthy(namespace, build.example())


def main() -> int:
    """Measures both in turn; exit status 1 where something failed."""
    parser = arguments("apply", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--baseline", type=Path, required=True, help="the other checkout")
    options = parser.parse_args()
    builds = (Build("baseline", options.baseline.resolve()), Build("this", ROOT))
    applies, rounds = (QUICK_APPLIES, 1) if options.quick else (APPLIES, ROUNDS)
    results = Results("apply", {"rounds": rounds, "applies": applies}, output_of("apply", options), fresh=True)
    cluster = session.guarded_cluster(dict(environ))
    for turn in range(1, rounds + 1):
        for build in builds:
            try:
                for number, seconds in enumerate(measure(build, cluster, applies), start=1):
                    row = {"build": build.name, "round": turn, "apply": number, "seconds": round(seconds, 2)}
                    results.put(f"{build.name} {turn} {number}", row)
                    results.say(f"round {turn}, {build.name}: {seconds:.2f} s")
            except AssertionError as error:
                results.fail({"build": build.name, "round": turn}, error)
    session.remove_operator(cluster)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
