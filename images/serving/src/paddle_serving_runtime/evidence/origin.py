"""What a proof is about, and what computed it: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paddle_serving_runtime.evidence.processor import Processor

_PREFIXES = ("FLAGS_", "DNNL_", "ONEDNN_", "MKL_", "MKLDNN_")
_SET_BY_THE_RUNTIME = frozenset({"MKL_NUM_THREADS"})


@dataclass(frozen=True)
class Origin:
    """Everything that an answer depends on; a text is empty where it is not known.

    `switches` is JSON: what `serve` was told, and under `models` what each model of the service really runs with;
    `backend` is the one that every process was told, which may be another for some of the models.
    """

    model_digest: str
    golden_digest: str
    runtime_version: str
    image_digest: str
    paddle_version: str
    device: str
    processor: Processor
    switches: Mapping[str, Any]
    backend: str = "Default"

    def as_json(self) -> dict[str, Any]:
        """The fields as the report has them; null for what is not known of the image."""
        return {
            "modelDigest": self.model_digest,
            "goldenDigest": self.golden_digest,
            "runtimeVersion": self.runtime_version,
            "imageDigest": self.image_digest or None,
            "paddleVersion": self.paddle_version,
            "backend": self.backend,
            "device": self.device,
            "processor": self.processor.name,
            "cpuFlags": list(self.processor.flags),
            "switches": dict(self.switches),
        }


def engine_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that Paddle, oneDNN and MKL read, apart from what the runtime sets for its processes itself."""
    return {
        name: value
        for name, value in sorted(environment.items())
        if name.startswith(_PREFIXES) and name not in _SET_BY_THE_RUNTIME
    }


def model_switches(switches: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The switches of every model, by its name in the service, with the report's names for them."""
    return {name: {_camel(key): value for key, value in fields.items()} for name, fields in switches.items()}


def _camel(name: str) -> str:
    """`without_passes` to `withoutPasses`; oneDNN is written as its makers do."""
    if name == "onednn":
        return "oneDNN"
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
