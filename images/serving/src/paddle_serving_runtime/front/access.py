"""Who may ask, and whether what is said on the way is encrypted, as lines of haproxy.cfg. Pure."""

from dataclasses import dataclass
from pathlib import Path

INSIDE = "inside"
"""The name of the socket on which the supervisor asks: whoever asked it has shown a key before."""

_TLS = "ssl-min-ver TLSv1.2"


@dataclass(frozen=True)
class Access:
    """`certificate` is a file with certificate and key, None for no TLS; `keys` is None where everybody may ask.

    `keys` is a file with the SHA-256 of every API key, in upper-case hexadecimal, a line each. HAProxy hashes what a
    request shows before it looks for it, so the time that this takes says nothing about a key.
    """

    certificate: Path | None = None
    keys: Path | None = None

    def binding(self, port: int, protocol: str, offered: str) -> str:
        """The line that listens on a port; `offered` is the protocol's name in TLS (ALPN)."""
        tls = f" ssl crt {self.certificate} alpn {offered} {_TLS}" if self.certificate else ""
        return f"    bind *:{port} proto {protocol}{tls}"

    def definitions(self) -> list[str]:
        """The conditions `authorized` and `inside`, where there are keys."""
        if self.keys is None:
            return []
        return [
            f"    acl authorized http_auth_bearer,digest(sha256),hex -m str -f {self.keys}",
            f"    acl inside so_name {INSIDE}",
        ]

    def forgotten(self) -> list[str]:
        """The key goes no further than here: neither into a worker nor into what is replayed."""
        return ["    http-request del-header authorization"] if self.keys else []


OPEN = Access()
"""No TLS, and everybody may ask."""
