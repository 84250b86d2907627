"""What each allocator keeps after inputs of many sizes: Paddle Inference alone, a process for each. Times nothing.

python -m benchmarks.allocator_memory
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.allocators import VARIANTS, prepared, process
from benchmarks.results import WORK, Results, arguments, output_of

MODELS = ("cls", "uci")
"""One with convolutions, one without."""


def measure(name: str, files: tuple[Path, Path], runs: int, results: Results) -> None:
    """The rows of a model that are not there yet."""
    for variant in VARIANTS:
        key = f"{name} / {variant.name}"
        if key in results.rows or not variant.allocates:
            continue
        with process(variant, *files) as one:
            one.read()
            results.put(key, {"model": name, "variant": variant.name, **one.ask(f"mixed {runs}")})
        results.say(key)


def main() -> int:
    """Measures what is not there yet."""
    parser = arguments("allocator_memory", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=100_000)
    options = parser.parse_args()
    runs = 500 if options.quick else options.runs
    name = "allocator-memory"
    results = Results(name, {"runs": runs}, output_of(name, options), fresh=options.fresh)
    for model in MODELS:
        measure(model, prepared(model, WORK / "allocators"), runs, results)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
