"""metrics-server in the cluster: `kubectl top`, and what a HorizontalPodAutoscaler reads."""

import json

from e2e.kind import addons
from e2e.kind.addons import Chart, Image, Setup
from e2e.kind.builder import Module
from e2e.kind.cache import write_atomically
from e2e.kind.cluster import QUICK
from e2e.kind.errors import SetupError
from e2e.kind.process import Result, capture, wait_until
from e2e.kind.versions import METRICS_SERVER

NAMESPACE = "kube-system"
MEASURED_WITHIN = 180.0
NODES = "/apis/metrics.k8s.io/v1beta1/nodes"
PATH = "sigs.k8s.io/metrics-server"
MODULE = Module(
    "metrics-server",
    METRICS_SERVER,
    PATH,
    f"{PATH}/cmd/metrics-server",
    f"-X k8s.io/client-go/pkg/version.gitVersion={METRICS_SERVER}",
)
CHART = Chart(MODULE, "charts/metrics-server")
IMAGE = Image("metrics-server", METRICS_SERVER, f"registry.k8s.io/metrics-server/metrics-server:{METRICS_SERVER}")


def ensure(setup: Setup) -> None:
    """Installs it, as often as wanted, and waits for its first measurement. Raises SetupError and CommandError."""
    setup.cluster.require_running()
    image = addons.ensure_image(IMAGE, lambda step: setup.builder.module(MODULE, step), setup)
    chart = addons.ensure_chart(CHART, setup)
    values = setup.cache.workspace("metrics-server") / "values.json"
    # The APIService last, when every node knows the way to the Service: the API server dials at once and keeps its
    # connection, also one that went past the cluster to a gateway that answers for every address.
    for aggregated in (False, True):
        write_atomically(values, json.dumps(_values(image, aggregated=aggregated)))
        addons.helm_install("metrics-server", NAMESPACE, chart, values, setup)
    with setup.console.step("the first measurement") as step:
        step.doing = "waiting for the first measurement"
        step.result = _measured(setup)


def _values(image: str, *, aggregated: bool) -> dict[str, object]:
    """The chart's values: the kubelets of a kind cluster show certificates that nobody has signed."""
    repository, _, tag = image.rpartition(":")
    return {
        "apiService": {"create": aggregated},
        "image": {"repository": repository, "tag": tag, "pullPolicy": "IfNotPresent"},
        # the shortest that it takes, and longer than it waits for a kubelet (v0.9.0 ends where it is not): a test of
        # autoscaling waits for some of them
        "args": ["--kubelet-insecure-tls", "--metric-resolution=10s", "--kubelet-request-timeout=5s"],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        "readinessProbe": {"initialDelaySeconds": 0, "periodSeconds": 2},
    }


def _measured(setup: Setup) -> str:
    """What it measured of the first node. Raises SetupError where that is nothing.

    Not asked by `kubectl top`: kubectl keeps for hours what kinds there are, from before this one.
    """
    seen = Result(1, "", "nothing")

    def answers() -> bool:
        nonlocal seen
        seen = capture([*setup.cluster.kubectl_command(), "get", "--raw", NODES], timeout=QUICK)
        return seen.ok and bool(json.loads(seen.stdout)["items"])

    if not wait_until(answers, MEASURED_WITHIN, interval=1.0):
        raise SetupError(
            f"metrics-server has measured nothing after {MEASURED_WITHIN:g} s: {seen.stderr.strip() or seen.stdout}."
            f" Look at it with: kubectl -n {NAMESPACE} logs deployment/metrics-server"
        )
    node = json.loads(seen.stdout)["items"][0]
    return f"{node['metadata']['name']}: cpu {node['usage']['cpu']}, memory {node['usage']['memory']}"
