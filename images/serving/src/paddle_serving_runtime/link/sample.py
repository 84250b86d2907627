"""A request that was answered, with its answer, on its way from the worker to the supervisor that may keep it.

It lies in memory that is passed on as a whole; the message beside says which number it has drawn.
"""

import os
import socket
import struct
from typing import NamedTuple

from paddle_serving_runtime.protocol.exchange import Exchange

_DRAWN = struct.Struct("=d")


class Sample(NamedTuple):
    """A packed exchange with the number that it has drawn, from 0 to 1."""

    drawn: float
    packed: bytes


def send_sample(channel: socket.socket, drawn: float, exchange: Exchange) -> None:
    """Hands it over without waiting. Raises OSError where the supervisor does not keep up, or has ended."""
    descriptor = os.memfd_create("request")
    with open(descriptor, "wb") as memory:  # noqa: PTH123 - it has no path
        memory.writelines(exchange.pack())
        memory.flush()
        socket.send_fds(channel, [_DRAWN.pack(drawn)], [descriptor])


def receive_samples(channel: socket.socket) -> list[Sample] | None:
    """What there is in the next message, without waiting: one sample, or none; None where the worker has ended."""
    try:
        message, descriptors, _, _ = socket.recv_fds(channel, _DRAWN.size, 1)
    except BlockingIOError:
        return []
    except OSError:
        return None
    samples = []
    for descriptor in descriptors:
        with open(descriptor, "rb") as memory:  # noqa: PTH123 - it has no path
            memory.seek(0, os.SEEK_SET)
            (drawn,) = _DRAWN.unpack(message)
            samples.append(Sample(drawn, memory.read()))
    return samples if message else None
