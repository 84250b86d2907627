"""Ports of loopback."""

import contextlib
import random
import socket
from collections.abc import Collection

PORTS = range(10_000, 32_768)
"""Below the range that the kernel gives to outgoing connections and to port 0 (ip_local_port_range)."""


def answers_on(port: int) -> bool:
    """Whether something listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port(besides: Collection[int | None] = ()) -> int:
    """A port that nothing listens on, and that no other call, of any process, returns in the next minute.

    A server may listen there if it sets SO_REUSEADDR, as servers do. `besides` are ports that are somebody's soon,
    although nothing listens there yet.
    """
    while True:
        port = random.choice(PORTS)  # noqa: S311 - no secret
        if port in besides:
            continue
        with contextlib.suppress(OSError):
            _reserve(port)
            return port


def _reserve(port: int) -> None:
    """The kernel keeps the port from whoever does not set SO_REUSEADDR. Raises OSError where it is taken or reserved.

    Two processes that only looked whether a port is free got the same one now and then: a server binds its port long
    after it was chosen. So a connection of the port is closed from its own side, whose end stays in TIME_WAIT for 60 s.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        # only now: with it, the bind would not notice the reservation of another call
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.listen(1)
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            end, _ = listener.accept()
            end.close()
            client.recv(1)
