"""A scheduler and kwok beside an API server: thousands of pods that are given nodes and seem to run there."""

from collections.abc import Sequence
from pathlib import Path

from .control_plane import CRD, ControlPlane

STAGES = Path(__file__).with_name("kwok-stages.yaml")
NODES = 10
FASTER = ("--kube-api-qps=500", "--kube-api-burst=1000")


def crowd(folder: Path, stages: Path = STAGES, api_server: Sequence[str] = (), definition: Path = CRD) -> ControlPlane:
    """A started control plane whose pods run on nodes of kwok's as soon as they are there. `stop` ends all of it.

    `stages` tells kwok what becomes of nodes and pods, the others are those of `ControlPlane.start`.
    """
    plane = ControlPlane(folder, more=("kube-scheduler", "kwok"))
    try:
        plane.start(FASTER, api_server, definition)
        connect = f"--kubeconfig={plane.kubeconfig}"
        plane.run("kube-scheduler", [connect, "--leader-elect=false", "--secure-port=0", *FASTER])
        plane.run("kwok", [connect, f"--config={stages}", "--manage-all-nodes"])
        for number in range(NODES):
            plane.request("post", "/api/v1/nodes", {"metadata": {"name": f"kwok-{number}"}})
    except BaseException:
        plane.stop()
        raise
    return plane
