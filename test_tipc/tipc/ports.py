"""Ports of loopback."""

import contextlib
import random
import socket

PORTS = range(10_000, 32_768)
"""Below the range that the kernel gives to outgoing connections and to port 0 (ip_local_port_range)."""


def answers_on(port: int) -> bool:
    """Whether something listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that nothing listens on right now; nobody gets it by chance before its server binds it."""
    while True:
        port = random.choice(PORTS)  # noqa: S311 - no secret
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
