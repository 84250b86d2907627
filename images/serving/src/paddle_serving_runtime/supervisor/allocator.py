"""The library that allocates memory in the processes that compute, in place of the C library's own functions."""

import logging
from pathlib import Path
from typing import Literal, get_args

_LOG = logging.getLogger(__name__)

AllocatorName = Literal["tcmalloc", "system"]
ALLOCATORS: tuple[AllocatorName, ...] = get_args(AllocatorName)
"""The first is the default."""

_PLACES = (
    Path("/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4"),
    Path("/usr/lib/aarch64-linux-gnu/libtcmalloc_minimal.so.4"),
)
"""Where Debian's package libtcmalloc-minimal4 puts it."""


def library_of(name: AllocatorName, places: tuple[Path, ...] = _PLACES) -> Path | None:
    """The library to load first; None for the system's allocator, which it is also where there is no other.

    Answers do not depend on it, so its absence is told in the log and hinders nothing.
    """
    if name == "system":
        return None
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        _LOG.warning(
            "%s is not installed here, so workers and reference allocate with the system's functions and take more CPU "
            "time: apt-get install libtcmalloc-minimal4, or use the container image, which has it",
            name,
        )
    return found


def preloading(library: Path | None, environment: dict[str, str]) -> dict[str, str]:
    """The environment of a process with this library before every other one that it preloads."""
    if library is None:
        return environment
    preloaded = " ".join(filter(None, (str(library), environment.get("LD_PRELOAD"))))
    # 0: no line on stderr about a large allocation, which loading a large model is
    return {"TCMALLOC_LARGE_ALLOC_REPORT_THRESHOLD": "0", **environment, "LD_PRELOAD": preloaded}
