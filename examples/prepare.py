"""Makes the model of a TIPC configuration: python3 examples/prepare.py MODEL_NAME ORIGINAL, as prepare.sh does.

The example is the folder whose package.toml has `model_name = "MODEL_NAME"`. Its model, as its author has it before
anything is converted, comes into the folder ORIGINAL; what its service reads besides (a dictionary) comes beside the
service. Safe to run again.
"""

import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import build


def example_of(model_name: str) -> Path:
    """The example's folder. Raises BuildError with the names that there are."""
    names = {}
    for path in sorted(build.EXAMPLES.glob("*/package.toml")):
        names[build.read(path.parent).get("model_name")] = path.parent
    if model_name not in names:
        known = ", ".join(sorted(name for name in names if name))
        raise build.BuildError(
            f'no package.toml under {build.EXAMPLES.name}/ says model_name = "{model_name}"; there are: {known}'
        )
    return names[model_name]


def placed(example: Path, original: Path, contents: Iterator[tuple[str, bytes]]) -> Iterator[tuple[Path, bytes]]:
    """Where each file goes: those of the only model into `original` itself, those of several into folders beside it."""
    everything = list(contents)
    folders = {PurePosixPath(place).parent for place, _ in everything} - {PurePosixPath()}
    for place, content in everything:
        path = PurePosixPath(place)
        if path.parent == PurePosixPath():
            yield example / path, content
        else:
            yield (original / path.name if len(folders) == 1 else original.parent / path), content


def main() -> int:
    """Exit status 1 with a sentence where the model cannot be had."""
    model_name, original = sys.argv[1], Path(sys.argv[2])
    try:
        example = example_of(model_name)
        contents = build.weights(example, build.read(example), build.wheel_of(example))
        for path, content in placed(example, original, contents):
            build.write(path, content)
            print(path)
    except (build.BuildError, OSError) as error:
        print(f"prepare.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
