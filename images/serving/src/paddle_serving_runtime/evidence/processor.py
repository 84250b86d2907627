"""The processor, as far as it changes what Paddle computes."""

from dataclasses import dataclass
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
RELEVANT_FLAGS = frozenset(
    (
        *("sse4_1", "sse4_2", "avx", "f16c", "avx2", "fma", "avx_vnni", "avx_vnni_int8", "avx_ne_convert", "avx_ifma"),
        *("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512vbmi"),
        *("avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16"),
        *("asimd", "asimdhp", "asimddp", "fphp", "bf16", "i8mm", "sve", "sve2"),
    )
)
"""What oneDNN, Eigen, MKL and OpenBLAS choose their kernels by, as /proc/cpuinfo names it; the last line is ARM's.

Source: oneDNN, src/cpu/x64/cpu_isa_traits.hpp.
"""

_DETAILS = ("cpu family", "model", "stepping", "cache size")
"""Virtual machines often call themselves by their maker's name alone; kernels are cut to the size of the caches."""


@dataclass(frozen=True)
class Processor:
    """What it is called, empty where it is not known, and those of RELEVANT_FLAGS that it has, sorted."""

    name: str
    flags: tuple[str, ...]


def parse_cpuinfo(text: str) -> Processor:
    """The first processor in the text of /proc/cpuinfo; all of a machine are taken to be alike."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, separator, value = line.partition(":")
        if separator:
            fields.setdefault(name.strip(), value.strip())
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    details = [f"{label} {fields[label]}" for label in _DETAILS if label in fields]
    name = ", ".join(filter(None, [fields.get("model name", ""), *details]))
    return Processor(name, tuple(sorted(RELEVANT_FLAGS & set(flags))))


def this_processor(cpuinfo: Path = CPUINFO) -> Processor:
    """The processor that this process runs on; nothing is known of it where the file cannot be read."""
    try:
        return parse_cpuinfo(cpuinfo.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return Processor("", ())
