"""The library that allocates memory in the processes that compute, in place of the C library's own functions."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

_LOG = logging.getLogger(__name__)

AllocatorName = Literal["tcmalloc", "system"]
ALLOCATORS: tuple[AllocatorName, ...] = get_args(AllocatorName)
"""The first is the default."""

_PLACES = (
    Path("/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4"),
    Path("/usr/lib/aarch64-linux-gnu/libtcmalloc_minimal.so.4"),
)
"""Where Debian's package libtcmalloc-minimal4 puts it."""


@dataclass(frozen=True)
class Allocator:
    """What was asked for, and the library to load first: None for the system's functions.

    `reason` is a sentence that says why it is not what was asked for; empty where it is.
    """

    asked: AllocatorName
    library: Path | None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """The fields as the report has them."""
        return {"asked": self.asked, "used": "system" if self.library is None else self.asked, "reason": self.reason}


SYSTEM = Allocator("system", None)


def find_allocator(name: AllocatorName, places: tuple[Path, ...] = _PLACES) -> Allocator:
    """The allocator of this name; the system's where it is not installed.

    Answers do not depend on it, so its absence hinders nothing: log and report tell it.
    """
    if name == "system":
        return SYSTEM
    library = next((place for place in places if place.is_file()), None)
    if library is not None:
        return Allocator(name, library)
    reason = (
        f"{name} is not installed here, so workers and reference allocate with the system's functions and take more "
        "CPU time: apt-get install libtcmalloc-minimal4, or use the container image, which has it."
    )
    _LOG.warning(reason)
    return Allocator(name, None, reason)


def preloading(allocator: Allocator, environment: dict[str, str]) -> dict[str, str]:
    """The environment of a process with the allocator's library before every other one that it preloads."""
    if allocator.library is None:
        return environment
    preloaded = " ".join(filter(None, (str(allocator.library), environment.get("LD_PRELOAD"))))
    # 0: no line on stderr about a large allocation, which loading a large model is
    return {"TCMALLOC_LARGE_ALLOC_REPORT_THRESHOLD": "0", **environment, "LD_PRELOAD": preloaded}
