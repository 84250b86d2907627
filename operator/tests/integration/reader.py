"""Who types what documents say at the API server of a control plane."""

from pathlib import Path

import yaml

from tools.typed import Reader

from .control_plane import ControlPlane, find_program


def reader_of(plane: ControlPlane, namespace: str, folder: Path) -> Reader:
    """Somebody whose kubectl and helm are in that namespace."""
    programs = [find_program(name).parent for name in ("kubectl", "helm")]
    return Reader(folder, yaml.safe_load(plane.kubeconfig.read_text(encoding="utf-8")), namespace, programs)
