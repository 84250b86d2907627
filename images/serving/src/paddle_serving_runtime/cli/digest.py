"""Writes MANIFEST.sha256 of a model package and prints the digest for spec.model.digest."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from paddle_serving_runtime.cli.options import MAX_TOLERANCE
from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.fetch.config_map import MAX_BYTES, unfit
from paddle_serving_runtime.package.contents import Package
from paddle_serving_runtime.package.derived import derived_samples
from paddle_serving_runtime.package.golden import load_recorded, load_samples
from paddle_serving_runtime.package.manifest import listed, write
from paddle_serving_runtime.paddle_model.adaptation import adapt
from paddle_serving_runtime.paddle_model.files import model_dirs
from paddle_serving_runtime.paddle_model.opening import open_model
from paddle_serving_runtime.paddle_model.switches import Switches
from paddle_serving_runtime.verdict.replies import blind_sentence
from paddle_serving_runtime.verdict.verification import trusted_recordings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `digest`."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="the model package")


def run(arguments: argparse.Namespace) -> int:
    """Prints sha256:<hex> and returns 0. Raises ServingError.

    What the package can do without, but should not, is said on stderr.
    """
    root: Path = arguments.directory
    print(write(root))
    for sentence in (*_of_config_maps(root), *_of_golden_answers(root), *_of_models(root)):
        print(sentence, file=sys.stderr)
    return 0


def _of_config_maps(root: Path) -> Iterator[str]:
    """Whether a package that is small enough for a ConfigMap has names that cannot be in one."""
    names = listed(root)
    sentences = list(unfit(names))
    if sentences and sum((root / name).stat().st_size for name in names) <= MAX_BYTES:
        more = f" (and {len(sentences) - 1} more)" if len(sentences) > 1 else ""
        yield f"note: {sentences[0]}{more}. Any other source can."


def _of_golden_answers(root: Path) -> Iterator[str]:
    """What golden samples and recorded answers will not show; nothing about files that `serve` refuses anyway."""
    package = Package(root.resolve(), None, None, None)
    try:
        samples, recorded = load_samples(package), load_recorded(package)
    except ModelInvalid:
        return
    alike = len({sample.body for sample in samples}) == 1
    if alike and next(derived_samples(samples[0], any_batch=True), None) is None:
        yield f"warning: {blind_sentence(len(samples))}"
    _, loose = trusted_recordings(recorded, MAX_TOLERANCE, required=False)
    yield from (f"warning: {sentence}" for sentence in loose)


def _of_models(root: Path) -> Iterator[str]:
    """What `serve` would say of every model with its default switches, or why it would refuse it."""
    for folder in model_dirs(root):
        try:
            model = open_model(folder)
        except ModelInvalid as error:
            yield f"warning: {error.message}"
        else:
            adapted = adapt(model.files, model.program, Switches())
            yield from (f"warning: {sentence}" for sentence in adapted.warnings)
