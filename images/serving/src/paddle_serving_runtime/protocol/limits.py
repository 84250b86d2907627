"""What a request may hold, by whichever protocol it comes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bytes of the body, number of keys, number of tensors."""

    body_bytes: int = 64 * 1024 * 1024
    keys: int = 1024
    tensors: int = 256
