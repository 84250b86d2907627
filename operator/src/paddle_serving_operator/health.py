"""The health probe, which answers 500 when nobody works any more, and the metrics beside it: a small HTTP server."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST
from typing_extensions import override

from paddle_serving_operator.handlers.watches import Watches
from paddle_serving_operator.reconcile.queue import Queue
from paddle_serving_operator.reconcile.workers import Workers

OLDEST_ALLOWED = timedelta(minutes=5)  # a pass has time-outs of 30 s; past this the workers are dead or stuck


class UnhealthyError(Exception):
    """The process should be started anew; the text says why."""


def check(queue: Queue, workers: Workers, watches: Watches) -> dict[str, Any]:
    """What /healthz answers. Raises UnhealthyError when nobody works on the queue or fills it any more."""
    age = queue.oldest_age()
    if not workers.alive() or age > OLDEST_ALLOWED:
        raise UnhealthyError(f"the reconcile threads are dead or stuck: the oldest work has been waiting for {age}")
    if not watches.alive():
        raise UnhealthyError("a thread that watches the API server is dead")
    return {"queue": {"oldestSeconds": round(age.total_seconds(), 3), "waiting": len(queue)}}


def serve(endpoint: str, answer: Callable[[], dict[str, Any]], metrics: Callable[[], bytes]) -> ThreadingHTTPServer:
    """Answers GET of the endpoint, an http:// URL, and of /metrics beside it, in threads of its own.

    Raises OSError where the port is taken.
    """
    url = urlsplit(endpoint)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == (url.path or "/"):
                self._reply(*_probed(answer))
            elif path == "/metrics":
                self._reply(HTTPStatus.OK, CONTENT_TYPE_LATEST, metrics())
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def _reply(self, status: HTTPStatus, content_type: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        @override
        def log_message(self, *_: object) -> None:
            """Probes come every few seconds; they are no news."""

    server = ThreadingHTTPServer((url.hostname or "0.0.0.0", url.port or 80), Handler)  # noqa: S104 - the kubelet asks
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def _probed(answer: Callable[[], dict[str, Any]]) -> tuple[HTTPStatus, str, bytes]:
    try:
        status, body = HTTPStatus.OK, answer()
    except UnhealthyError as error:
        status, body = HTTPStatus.INTERNAL_SERVER_ERROR, {"error": str(error)}
    return status, "application/json", json.dumps(body).encode()
