"""Free ports of loopback for servers that cannot choose their own."""

from __future__ import annotations

import contextlib
import random
import socket

PORTS = range(10_000, 32_768)
"""Below the range that the kernel gives to outgoing connections and to port 0 (ip_local_port_range)."""


def free_ports(count: int) -> list[int]:
    """Different ports that are free now; nobody gets one by chance before its server binds it."""
    ports: list[int] = []
    with contextlib.ExitStack() as stack:
        while len(ports) < count:
            each, port = stack.enter_context(socket.socket()), random.choice(PORTS)  # noqa: S311 - no secret
            with contextlib.suppress(OSError):
                each.bind(("127.0.0.1", port))
                ports.append(port)
    return ports
