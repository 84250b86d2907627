"""Free ports of loopback for servers that cannot choose their own."""

from tipc.ports import free_port


def free_ports(count: int) -> list[int]:
    """Different ports, which nobody else gets before their servers listen there."""
    return [free_port() for _ in range(count)]
