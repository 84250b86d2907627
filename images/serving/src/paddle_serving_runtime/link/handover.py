"""How a process without a place becomes a worker: it says that it has imported, and is sent its options.

With the options come the descriptors that they name.
"""

import asyncio
import os
import socket
from contextlib import suppress

from paddle_serving_runtime.link.options import WorkerOptions

_IMPORTED = b"\1"
_OPTIONS_BYTES = 256 * 1024
"""As long as one argument of a process may be (MAX_ARG_STRLEN is 128 KiB), and longer."""

_MOST_DESCRIPTORS = 3


def say_imported(channel: socket.socket) -> None:
    """Tells the supervisor, if there is still one."""
    # a supervisor that has ended does not listen any more; the empty message says so to `receive_place`
    with suppress(OSError):
        channel.send(_IMPORTED)


def receive_place(channel: socket.socket) -> WorkerOptions | None:
    """Waits for the options; None where the supervisor has ended without a need for this process."""
    message, received, _, _ = socket.recv_fds(channel, _OPTIONS_BYTES, _MOST_DESCRIPTORS)
    if not message:
        return None
    for each in received:
        os.set_inheritable(each, False)  # noqa: FBT003 - it takes no names
    return WorkerOptions.from_json(message.decode()).with_descriptors(received)


async def hear_imported(channel: socket.socket) -> bool:
    """Waits until the process has imported; False where it has ended."""
    return bool(await asyncio.get_running_loop().sock_recv(channel, len(_IMPORTED)))


def give_place(channel: socket.socket, options: WorkerOptions) -> None:
    """Sends the options. Raises OSError where the process cannot take them."""
    socket.send_fds(channel, [options.to_json().encode()], list(options.descriptors))
