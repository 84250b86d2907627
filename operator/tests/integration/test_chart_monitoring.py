"""Helm and a real API server: whether PodMonitors can be had is known before anything is installed."""

import os
import subprocess
from pathlib import Path

import pytest

from .control_plane import ControlPlane, find_program
from .definitions import defined

CHART = Path(__file__).parents[3] / "charts" / "paddle-serving-operator"
WANTED = ("--set", "monitoring.podMonitor.enabled=true,crds.enabled=false")


def install(control_plane: ControlPlane, helm: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What Helm would install, as the API server would take it; nothing is installed."""
    environment = os.environ | {"KUBECONFIG": str(control_plane.kubeconfig)}
    environment |= {f"HELM_{kind}_HOME": str(folder) for kind in ("CACHE", "CONFIG", "DATA")}
    command = [str(find_program(helm)), "install", "monitored", str(CHART), "--namespace", "default", *WANTED]
    return subprocess.run(
        [*command, "--dry-run=server"], env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.integration
@pytest.mark.parametrize("helm", ["helm", "helm4"])
def test_a_pod_monitor_is_refused_with_a_sentence_where_the_cluster_has_none(
    control_plane: ControlPlane, tmp_path: Path, helm: str
) -> None:
    refused = install(control_plane, helm, tmp_path)
    assert refused.returncode != 0
    assert "this cluster has no PodMonitor (monitoring.coreos.com/v1)" in refused.stderr
    with defined(control_plane, "monitoring.coreos.com/v1", "PodMonitor", "podmonitors"):
        taken = install(control_plane, helm, tmp_path)
    assert taken.returncode == 0, taken.stderr
    assert taken.stdout.count("kind: PodMonitor") == 2
