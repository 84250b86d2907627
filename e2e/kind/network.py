"""A pod network for nodes whose image brings none: a bridge per node, and routes between the nodes.

All nodes are on one Docker network, so every node reaches another's pods by a route to its address.
NetworkPolicy is not enforced.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from e2e.kind.docker import docker
from e2e.kind.errors import SetupError
from e2e.kind.process import wait_until

PODS = "10.244.0.0/16"  # kind's default podSubnet
CONFIGURATION = "/etc/cni/net.d/10-bridge.conflist"
RANGES_WITHIN = 60.0
COLUMNS = '{.metadata.name} {.spec.podCIDR} {.status.addresses[?(@.type=="InternalIP")].address}'


@dataclass(frozen=True)
class Range:
    """A node's share of the pod addresses (CIDR), and the node's own address."""

    node: str
    pods: str
    address: str


def connect(nodes: Sequence[str], kubectl: Callable[..., str]) -> None:
    """Sets the network up on every node, as often as wanted. Raises SetupError where a node gets no range."""
    ranges: list[Range] = []

    def known() -> bool:
        ranges[:] = parse(kubectl("get", "nodes", "-o", f'jsonpath={{range .items[*]}}{COLUMNS}{{"\\n"}}{{end}}'))
        return {each.node for each in ranges} == set(nodes)

    if not wait_until(known, RANGES_WITHIN):
        seen = ", ".join(each.node for each in ranges) or "none"
        raise SetupError(
            f"Not every node of {', '.join(nodes)} got a range of pod addresses within {RANGES_WITHIN:g} s"
            f" (got one: {seen}). Look at the controller manager:"
            " kubectl -n kube-system logs -l component=kube-controller-manager"
        )
    for here in ranges:
        docker("exec", "--interactive", here.node, "sh", "-ec", script(here, ranges), stdin=configuration(here))


def parse(listing: str) -> list[Range]:
    """Ranges from lines of `node range address`; a line with fewer words is a node that has no range yet."""
    rows = [line.split() for line in listing.splitlines()]
    return [Range(*row) for row in rows if len(row) == len(Range.__dataclass_fields__)]


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
