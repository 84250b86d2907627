"""Two sockets joined, so that what one side sends the other receives."""

import socket
import threading
from contextlib import suppress

CHUNK = 64 * 1024


def join(one: socket.socket, other: socket.socket) -> None:
    """Returns when both sides have ended what they send."""
    back = threading.Thread(target=_copy, args=(other, one), daemon=True)
    back.start()
    _copy(one, other)
    back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
