from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from paddle_serving_runtime.paddle_model.switches import Asked, Switches


@dataclass(frozen=True)
class Computing:
    """What the commands are told about how a package is computed; every process that computes it is told the same.

    The switches hold for each model whose own part of config.yml does not say otherwise; `device` may name several
    GPUs, which the workers take in turn. `overrides` are keys of config.yml with their values, `script` is the
    package's script with its arguments, empty for web_service.py. `backend` is what was asked for, and from the choice
    on (supervisor/choosing.py) what every process is told.
    """

    ir_optim: bool
    onednn: bool
    threads: int
    device: str
    overrides: tuple[tuple[str, str], ...]
    script: str
    backend: Asked = "Default"

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """From the fields with lists in place of tuples; raises ValueError or TypeError where they are others."""
        return cls(**{**fields, "overrides": tuple((key, value) for key, value in fields["overrides"])})

    @property
    def switches(self) -> Switches:
        """Those of a model that has none of its own. Raises ValueError before Auto has become another backend."""
        if self.backend == "Auto":
            raise ValueError("the backend Auto has to be chosen before anything is computed")
        return Switches(
            ir_optim=self.ir_optim,
            onednn=self.onednn,
            threads=self.threads,
            device=self.device,
            backend=self.backend,
        )

    @property
    def arguments(self) -> tuple[str, ...]:
        """The same on the command line of `serve`, `check` and `reference`, after every other argument."""
        return (
            *("--threads-per-worker", str(self.threads), "--device", self.device),
            *("--ir-optim", str(self.ir_optim).lower(), "--onednn", str(self.onednn).lower()),
            *("--backend", self.backend),
            *(("--script", self.script) if self.script else ()),
            *(("--overrides", *(f"{key}={value}" for key, value in self.overrides)) if self.overrides else ()),
        )
