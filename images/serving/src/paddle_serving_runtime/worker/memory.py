"""How a worker deals with memory from its first request on."""

import ctypes
import gc

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Names of parameters. Source: glibc, malloc.h (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD)."""

_MIB = 1024 * 1024


def settle() -> None:
    """Gives back what loading has freed, and keeps what requests free.

    The first is some MiB of a worker. Without the second, what one request frees at the heap's end goes back to the
    kernel and the next one takes it anew, page by page: 440 page faults for a tensor of 110 KB in JSON. What has been
    loaded stays, so it is nothing to search for garbage.
    """
    gc.collect()
    libc = ctypes.CDLL(None)
    libc.malloc_trim(0)
    libc.mallopt(_TRIM_THRESHOLD, 64 * _MIB)
    libc.mallopt(_MMAP_THRESHOLD, 32 * _MIB)
    gc.freeze()
