"""Executes what a document says to type, as its reader does: by bash, in a folder, with programs found on PATH."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.documents import ROOT, Block

SECONDS = 240.0  # for one block, on a machine that has much else to do
FAILED_EARLY = "set -euo pipefail\n"
# A make that inherits them takes itself for a part of the make that runs the tests: it prints the folders that it
# enters and leaves, and obeys flags that the reader did not type.
OF_MAKE = frozenset({"MAKEFLAGS", "MFLAGS", "MAKELEVEL"})


def typed(
    text: str, *, more: Mapping[str, str] | None = None, folder: Path = ROOT, code: int = 0, seconds: float = SECONDS
) -> str:
    """What the commands print on both, where the first that fails is the last; their status must be `code`.

    They find the programs of this environment beside those of PATH. `more` are further variables.

    Raises AssertionError.
    """
    done = subprocess.run(
        ["bash", "-c", FAILED_EARLY + text],
        cwd=folder,
        env=environment(more or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=seconds,
        check=False,
    )
    if done.returncode != code:
        raise AssertionError(f"ended with {done.returncode}, not {code}:\n{text}\n{done.stdout}")
    return done.stdout


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's but for make's, with these variables and with the programs of its own installation on PATH."""
    path = os.pathsep.join((sysconfig.get_path("scripts"), more.get("PATH", os.environ["PATH"])))
    own = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    return {**own, "LC_ALL": "C.UTF-8", **more, "PATH": path}


class Reader:
    """Who types what documents say, in a folder, with kubectl and helm pointing at one namespace of a cluster."""

    def __init__(
        self, folder: Path, kubeconfig: Mapping[str, Any], namespace: str, programs: Sequence[Path] = ()
    ) -> None:
        """`programs` are folders that come before PATH. The folder takes the kubeconfig and the tools' caches too."""
        self.folder = folder
        content = copy.deepcopy(dict(kubeconfig))
        (context,) = (each for each in content["contexts"] if each["name"] == content["current-context"])
        context["context"]["namespace"] = namespace
        own = folder / "kubeconfig"
        own.write_text(json.dumps(content), encoding="utf-8")  # which is YAML too
        self.variables = {
            "KUBECONFIG": str(own),
            "HOME": str(folder),
            "PATH": os.pathsep.join((*map(str, programs), os.environ["PATH"])),
            **{f"HELM_{kind}_HOME": str(folder / "helm") for kind in ("CACHE", "CONFIG", "DATA")},
        }

    def types(
        self, block: Block, by: Mapping[str, str] | None = None, *, folder: Path | None = None, code: int = 0
    ) -> str:
        """What the commands print, with these replacements in them. Raises AssertionError as `typed` does."""
        return typed(block.replaced(by or {}).text, more=self.variables, folder=folder or self.folder, code=code)
