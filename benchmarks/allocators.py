"""What else makes Paddle Inference faster: allocators, huge pages, executors, pass lists. CPU time in turns, same bits?

    python -m benchmarks.allocators

Every variant has a process of its own with the model loaded; they run in turns, so that a ratio of one turn holds where
the machine's speed drifts. The libraries are Debian's packages libjemalloc2, libtcmalloc-minimal4 and libmimalloc2.0.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from benchmarks import models
from benchmarks.allocator_table import SYSTEM
from benchmarks.engine_loop import PASS_LISTS
from benchmarks.models import ROOT
from benchmarks.results import WORK, Results, arguments, output_of

_LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")
RUNS = {"cls": 24, "rec": 6, "uci": 1500, "mobilenetv3": 24, "resnet50": 3}
"""Of a turn in a loop: a quarter of a second at most."""

_RESTED = 200
"""Of a turn with rests, at most: of a short run a rest is the longest part."""


@dataclass(frozen=True)
class Variant:
    """A way to run the same model: variables of the environment, and a switch of Paddle's Config.

    `allocates` is one whose memory benchmarks.allocator_memory looks at.
    """

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    switch: str = ""
    allocates: bool = False


def _preloaded(file: str) -> dict[str, str]:
    return {"LD_PRELOAD": str(_LIBRARIES / file)}


VARIANTS = (
    Variant(SYSTEM, allocates=True),
    Variant("jemalloc", _preloaded("libjemalloc.so.2"), allocates=True),
    Variant("tcmalloc", _preloaded("libtcmalloc_minimal.so.4"), allocates=True),
    Variant("mimalloc", _preloaded("libmimalloc.so.2"), allocates=True),
    Variant("glibc that gives nothing back", {"MALLOC_TRIM_THRESHOLD_": str(2**40), "MALLOC_MMAP_MAX_": "0"}),
    Variant("glibc, huge pages", {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}),
    Variant("jemalloc, huge pages", {**_preloaded("libjemalloc.so.2"), "MALLOC_CONF": "thp:always"}),
    Variant("new executor", switch="new executor"),
    Variant("PIR and its executor", switch="PIR and its executor"),
    Variant("no memory optimisation", switch="no memory optimisation"),
    *(Variant(name, switch=name) for name in PASS_LISTS),
)


class EndedError(Exception):
    """A process has ended: Paddle does not survive every list of passes."""


class Process:
    """One engine_loop."""

    def __init__(self, variant: Variant, folder: Path, inputs: Path) -> None:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.engine_loop", str(folder), str(inputs), variant.switch],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env={**os.environ, **threads, **variant.environment},
        )

    def read(self) -> dict[str, Any]:
        """The next line that is JSON. Raises EndedError where there is none."""
        for line in _open(self._process.stdout):
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise EndedError("engine_loop ended; run it by hand")

    def ask(self, command: str) -> dict[str, Any]:
        """The answer to a line."""
        pipe = _open(self._process.stdin)
        pipe.write(f"{command}\n")
        pipe.flush()
        return self.read()

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()


def _open(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise AssertionError("opened with pipes")
    return pipe


@contextmanager
def process(variant: Variant, folder: Path, inputs: Path) -> Iterator[Process]:
    """Ends with the block."""
    one = Process(variant, folder, inputs)
    try:
        yield one
    finally:
        one.close()


def prepared(name: str, folder: Path) -> tuple[Path, Path]:
    """The folder of the model's files, and the file with its input."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs = folder / f"{name}.npz"
    (model,) = models.prepare((name,), folder)
    content: dict[str, Any] = dict(model.tensors)
    np.savez(inputs, **content)
    return model.files, inputs


def in_turns(name: str, files: tuple[Path, Path], turns: int, results: Results) -> None:
    """Every turn of one model that is not there yet."""
    keys = [f"{name} / {variant.name} / {turn}" for variant in VARIANTS for turn in range(turns)]
    if all(key in results.rows for key in keys):
        return
    with ExitStack() as stack:
        begun = [(variant, stack.enter_context(process(variant, *files))) for variant in VARIANTS]
        bits = {variant.name: found for variant, one in begun if (found := _bits(one))}
        started = [(variant, one) for variant, one in begun if variant.name in bits]
        for variant, _ in begun:
            if variant.name not in bits:
                results.say(f"{name} / {variant.name}: Paddle ends while it loads; no row")
        for turn in range(turns):
            for variant, one in started:
                counts = {"loop": RUNS[name], "rest": min(RUNS[name], _RESTED)}
                cost = {what: one.ask(f"{what} {runs}")["cpu_ms"] for what, runs in counts.items()}
                head = {"model": name, "variant": variant.name, "turn": turn}
                row = {**head, "loop_cpu_ms": cost["loop"], "rest_cpu_ms": cost["rest"]}
                results.put(
                    " / ".join(map(str, head.values())), {**row, "same_bits": bits[variant.name] == bits[SYSTEM]}
                )
        results.say(f"{name}: {turns} turns")


def _bits(one: Process) -> str:
    """The digest of its outputs; empty where it has ended."""
    try:
        return str(one.read()["bits"])
    except EndedError:
        return ""


def main() -> int:
    """Measures what is not there yet."""
    parser = arguments("allocators", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--turns", type=int, default=12)
    options = parser.parse_args()
    turns = 2 if options.quick else options.turns
    results = Results("allocators", {"turns": turns}, output_of("allocators", options), fresh=options.fresh)
    for name in RUNS:
        in_turns(name, prepared(name, WORK / "allocators"), turns, results)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
