"""A runtime image whose workers alter one value.

The product has no such switch, so the test brings an image layer of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.lib.layers import runtime_with

if TYPE_CHECKING:
    from e2e.lib.cluster import Cluster

SITE_PACKAGES = "/opt/venv/lib/python3.11/site-packages"
# Started with every Python process of the image by a .pth file; acts in worker processes only, never in the reference.
PLUG_IN = """
import importlib.abc
import importlib.machinery
import sys

PREDICTOR = "paddle_serving_runtime.paddle_model.predictor"


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


def altered_runtime(cluster: Cluster) -> str:
    """Reference of an image on the node in which the largest output of every worker is one ULP too high."""
    files = {
        f"{SITE_PACKAGES}/altered_worker.py": PLUG_IN.encode(),
        f"{SITE_PACKAGES}/altered_worker.pth": b"import altered_worker\n",
    }
    return runtime_with(cluster, "paddle-serving-runtime-altered", files)
