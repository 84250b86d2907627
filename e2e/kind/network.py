"""The pod network: whether it works, and one for nodes whose image brings none (bridges, and routes between them).

All nodes are on one Docker network, so every node reaches another's pods by a route to its address.
NetworkPolicy is not enforced.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from e2e.kind.docker import docker
from e2e.kind.errors import SetupError
from e2e.kind.process import capture, wait_until

PODS = "10.244.0.0/16"  # kind's default podSubnet
CONFIGURATION = "/etc/cni/net.d/10-bridge.conflist"
RANGES_WITHIN = 60.0
DNS_WITHIN = 180.0
CURL = ("curl", "--silent", "--show-error", "--fail", "--output", "/dev/null", "--max-time", "3")
QUICK = 30.0
COLUMNS = "{.metadata.name} {.spec.podCIDR}"


@dataclass(frozen=True)
class Range:
    """A node's share of the pod addresses (CIDR), and the node's own address."""

    node: str
    pods: str
    address: str


def connect(addresses: Mapping[str, str], kubectl: Callable[..., str]) -> None:
    """Sets the network up on every node, as often as wanted. Raises SetupError where a node gets no range.

    `addresses` are the containers' own by node name: after a restart the API server shows older ones for a while.
    """
    pods: dict[str, str] = {}

    def known() -> bool:
        pods.update(parse(kubectl("get", "nodes", "-o", f'jsonpath={{range .items[*]}}{COLUMNS}{{"\\n"}}{{end}}')))
        return addresses.keys() <= pods.keys()

    if not wait_until(known, RANGES_WITHIN):
        raise SetupError(
            f"Not every node of {', '.join(addresses)} got a range of pod addresses within {RANGES_WITHIN:g} s"
            f" (got one: {', '.join(pods) or 'none'}). Look at the controller manager:"
            " kubectl -n kube-system logs -l component=kube-controller-manager"
        )
    ranges = [Range(node, pods[node], address) for node, address in addresses.items()]
    for here in ranges:
        docker("exec", "--interactive", here.node, "sh", "-ec", script(here, ranges), stdin=configuration(here))


def await_dns(nodes: Sequence[str], kubectl: Callable[..., str]) -> None:
    """Waits until CoreDNS is ready and every node reaches it by its Service. Raises SetupError with what was seen last.

    Conditions alone are not enough: after a restart the API server shows those from before until the kubelets report.
    """
    seen = ""

    def answers() -> bool:
        nonlocal seen
        seen = dns_trouble(nodes, kubectl)
        return not seen

    if not wait_until(answers, DNS_WITHIN):
        raise SetupError(
            f"Cluster DNS does not answer after {DNS_WITHIN:g} s: {seen}."
            " Look at it with: kubectl -n kube-system get pods -o wide. Or make a new cluster: python3 e2e/kind down"
        )


def dns_trouble(nodes: Sequence[str], kubectl: Callable[..., str]) -> str:
    """Why DNS does not answer everywhere, or nothing."""
    system = ("--namespace", "kube-system", "get")
    try:
        for pod in kubectl(
            *system, "pods", "-l", "k8s-app=kube-dns", "-o", "jsonpath={.items[*].metadata.name}"
        ).split():
            kubectl("get", "--raw", f"/api/v1/namespaces/kube-system/pods/{pod}:8181/proxy/ready")
        address = kubectl(*system, "service", "kube-dns", "-o", "jsonpath={.spec.clusterIP}")
    except SetupError as error:
        return str(error)
    for node in nodes:
        # Its metrics instead of a query: by the same Service, and curl is what every node image has.
        reached = capture(["docker", "exec", node, *CURL, f"http://{address}:9153/metrics"], timeout=QUICK)
        if not reached.ok:
            return f"{node} does not reach it ({reached.stderr.strip()})"
    return ""


def parse(listing: str) -> dict[str, str]:
    """Ranges of pod addresses by node from lines of `node range`; a node that has none yet is left out."""
    rows = [line.split() for line in listing.splitlines()]
    return {row[0]: row[1] for row in rows if len(row) > 1}


def configuration(here: Range) -> str:
    """CNI configuration: a bridge whose addresses come from the node's own range."""
    addresses = {"type": "host-local", "ranges": [[{"subnet": here.pods}]], "routes": [{"dst": "0.0.0.0/0"}]}
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": addresses,
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "0.4.0", "name": "bridge", "plugins": [bridge, ports]})


def script(here: Range, ranges: Sequence[Range]) -> str:
    """Shell commands for one node: pod addresses stay visible inside the cluster and are hidden outside of it."""
    rule = f"POSTROUTING -s {here.pods} ! -d {PODS} -j MASQUERADE"
    lines = [
        f"cat > {CONFIGURATION}.part && mv {CONFIGURATION}.part {CONFIGURATION}",
        f"iptables -t nat -C {rule} 2> /dev/null || iptables -t nat -A {rule}",
        *(f"ip route replace {other.pods} via {other.address}" for other in ranges if other.node != here.node),
    ]
    return "\n".join(lines)
