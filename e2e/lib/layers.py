"""Images that tests need beside the project's own: the runtime image with one more layer."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.lib.cluster import ROOT, run
from e2e.lib.pods import PYTHON, RUNTIME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from e2e.lib.cluster import Cluster

BUILD_SECONDS = 120.0
LOAD_SECONDS = 240.0


def runtime_with(cluster: Cluster, name: str, files: Mapping[str, bytes]) -> str:
    """Reference of an image on the node: the runtime's, with these executable files by their absolute path.

    Named after its content and the image below it, and loaded only when the node has not got it.
    """
    below = run(["docker", "image", "inspect", "--format", "{{.Id}}", RUNTIME]).strip()
    digest = hashlib.sha256(below.encode())
    for path, content in sorted(files.items()):
        digest.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
    reference = f"{name}:{digest.hexdigest()[:12]}"
    if not _is_on_a_node(cluster, reference):
        _build(reference, files)
        run([PYTHON, str(ROOT / "e2e" / "kind"), "load", reference], timeout=LOAD_SECONDS)
    return reference


def _is_on_a_node(cluster: Cluster, reference: str) -> bool:
    names = cluster.kubectl("get", "nodes", "-o", "jsonpath={.items[*].status.images[*].names[*]}").split()
    return any(name.endswith(f"/{reference}") for name in names)


def _build(reference: str, files: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        lines = [f"FROM {RUNTIME}"]
        for number, (path, content) in enumerate(sorted(files.items())):
            (context / str(number)).write_bytes(content)
            (context / str(number)).chmod(0o755)
            lines.append(f"COPY {number} {path}")
        (context / "Dockerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
        run(["docker", "build", "--quiet", "--tag", reference, str(context)], timeout=BUILD_SECONDS)
