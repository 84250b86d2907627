"""HTTP requests over sockets of our own: no proxy, no redirect, no retry."""

import http.client
from urllib.parse import urlsplit

LEAST_SECONDS = 0.1


def send(
    method: str,
    url: str,
    address: tuple[str, int] | None,
    headers: list[tuple[str, str]],
    body: bytes,
    seconds: float,
) -> tuple[int, bytes]:
    """One HTTP request to `address`, or to the url's own. Raises OSError and http.client.HTTPException."""
    parts = urlsplit(url)
    host, port = address or (parts.hostname or "127.0.0.1", parts.port or 80)
    connection = http.client.HTTPConnection(host, port, timeout=max(seconds, LEAST_SECONDS))
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path or "/", body=body, headers=dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
