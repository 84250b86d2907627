"""A scheduler and kwok beside an API server: thousands of pods that are given nodes and seem to run there."""

from pathlib import Path

from .control_plane import ControlPlane

STAGES = Path(__file__).with_name("kwok-stages.yaml")
NODES = 10
FASTER = ("--kube-api-qps=500", "--kube-api-burst=1000")


def crowd(folder: Path) -> ControlPlane:
    """A started control plane whose pods run on nodes of kwok's as soon as they are there. `stop` ends all of it."""
    plane = ControlPlane(folder, more=("kube-scheduler", "kwok"))
    try:
        plane.start(FASTER)
        connect = f"--kubeconfig={plane.kubeconfig}"
        plane.run("kube-scheduler", [connect, "--leader-elect=false", "--secure-port=0", *FASTER])
        plane.run("kwok", [connect, f"--config={STAGES}", "--manage-all-nodes"])
        for number in range(NODES):
            plane.request("post", "/api/v1/nodes", {"metadata": {"name": f"kwok-{number}"}})
    except BaseException:
        plane.stop()
        raise
    return plane
