"""A runtime image whose workers alter one value.

The product has no such switch, so the test brings an image layer of its own.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.lib.cluster import ROOT, run
from e2e.lib.pods import PYTHON, RUNTIME

if TYPE_CHECKING:
    from e2e.lib.cluster import Cluster

SITE_PACKAGES = "/opt/venv/lib/python3.11/site-packages"
# Started with every Python process of the image by a .pth file; acts in worker processes only, never in the reference.
PLUG_IN = """
import importlib.abc
import importlib.machinery
import sys

PREDICTOR = "paddle_serving_runtime.model.predictor"


def largest_one_step_up(run):
    def altered(self, feed):
        import numpy as np
        outputs = run(self, feed)
        for array in outputs.values():
            largest = array.argmax()  # the one that an answer surely shows
            array.flat[largest] = np.nextafter(array.flat[largest], np.inf, dtype=array.dtype)
        return outputs
    return altered


class Altering(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        if name != PREDICTOR:
            return None
        self.found = importlib.machinery.PathFinder.find_spec(name, path)
        return importlib.machinery.ModuleSpec(name, self, origin=self.found.origin)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__file__ = self.found.origin
        self.found.loader.exec_module(module)
        module.Predictor.run = largest_one_step_up(module.Predictor.run)


if any("paddle_serving_runtime.worker" in argument for argument in sys.orig_argv):
    sys.meta_path.insert(0, Altering())
"""
DOCKERFILE = f"FROM {RUNTIME}\nCOPY altered_worker.py altered_worker.pth {SITE_PACKAGES}/\n"
BUILD_SECONDS = 120.0
LOAD_SECONDS = 240.0


def altered_runtime(cluster: Cluster) -> str:
    """Reference of an image on the node in which the largest output of every worker is one ULP too high.

    Named after its content and the image below it, and loaded only when the node has not got it.
    """
    below = run(["docker", "image", "inspect", "--format", "{{.Id}}", RUNTIME]).strip()
    content = hashlib.sha256((below + DOCKERFILE + PLUG_IN).encode()).hexdigest()[:12]
    reference = f"paddle-serving-runtime-altered:{content}"
    if not _is_on_a_node(cluster, reference):
        _build(reference)
        run([PYTHON, str(ROOT / "e2e" / "kind"), "load", reference], timeout=LOAD_SECONDS)
    return reference


def _is_on_a_node(cluster: Cluster, reference: str) -> bool:
    names = cluster.kubectl("get", "nodes", "-o", "jsonpath={.items[*].status.images[*].names[*]}").split()
    return any(name.endswith(f"/{reference}") for name in names)


def _build(reference: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        (context / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
        (context / "altered_worker.py").write_text(PLUG_IN, encoding="utf-8")
        (context / "altered_worker.pth").write_text("import altered_worker\n", encoding="utf-8")
        run(["docker", "build", "--quiet", "--tag", reference, str(context)], timeout=BUILD_SECONDS)
