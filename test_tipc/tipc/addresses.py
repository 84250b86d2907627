"""Whether requests went to the service under test, and not to another server that answers as well."""

import contextlib
import socket
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

HTTP = 80
"""The port of a URL that names none."""


def elsewhere(urls: Iterable[str], ports: Mapping[str, int]) -> str:
    """The first request that went to another address than this machine's `ports`, as a sentence; empty where none did.

    `ports` are those of the service by their keys in config.yml; without any, nothing is known of where it listens.
    """
    if not ports:
        return ""
    for url in urls:
        for host, port in asked(url):
            if port not in ports.values() or not own(host):
                service = " and ".join(f"127.0.0.1:{number} ({key})" for key, number in ports.items())
                return (
                    f"the client asked {host}:{port}, which is not the service under test: that one listens on "
                    f"{service}. Let the client and the service's configuration name the same port"
                )
    return ""


def asked(url: str) -> list[tuple[str, int]]:
    """Host and port of a request; over gRPC there may be several, of which any may have answered."""
    found = []
    for address in urlsplit(url).netloc.split(","):
        host, colon, port = address.rpartition(":")
        known = colon and port.isdigit()
        found.append(((host if known else address).removeprefix("ipv4:").strip("[]"), int(port) if known else HTTP))
    return found


def own(host: str) -> bool:
    """Whether a name or an address is this machine's."""
    with contextlib.suppress(OSError, UnicodeError):
        for family, kind, _, _, address in socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM):
            # an address can be bound where it is the machine's own, and nowhere else
            with contextlib.suppress(OSError), socket.socket(family, kind) as probe:
                probe.bind(address)
                return True
    return False
