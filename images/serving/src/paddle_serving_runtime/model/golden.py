"""Golden samples and the answers that the author of the package recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paddle_serving_runtime.consistency import Answer, Tolerance
from paddle_serving_runtime.model.package import Package

DEFAULT_TOLERANCE = Tolerance(rtol=1e-3, atol=1e-5)


@dataclass(frozen=True)
class Sample:
    """A request: `name` is the file's name in golden/, `body` the HTTP body (pipeline Request as JSON)."""

    name: str
    body: bytes


@dataclass(frozen=True)
class Recorded:
    """What the author's own Paddle Inference script answered: values, tolerance, and where they come from."""

    answer: Answer
    tolerance: Tolerance
    provenance: Mapping[str, Any]


def load_samples(package: Package) -> tuple[Sample, ...]:
    """The golden samples, sorted by name; empty where the package has none.

    A .npz sample becomes a request with its arrays as tensors. Raises ModelInvalid naming the file.
    """
    raise NotImplementedError


def load_recorded(package: Package) -> Mapping[str, Recorded]:
    """The recorded answers by the name of their sample; samples without one are left out.

    Raises ModelInvalid naming the file, also for an answer that belongs to no sample.
    """
    raise NotImplementedError
