from dataclasses import dataclass
from typing import Literal

Backend = Literal["Default", "OpenVINO", "NewExecutor"]
"""Which of Paddle Inference's engines computes a model: Paddle's own kernels, Paddle's OpenVINO engine at float32, or
Paddle's own kernels under the executor of Paddle 3, which the old form of programs does not get by default."""

Asked = Literal["Default", "OpenVINO", "NewExecutor", "Auto"]
"""What may be asked for; Auto is one of the others, chosen before anything is served (verdict/backend.py)."""


@dataclass(frozen=True)
class Switches:
    """What changes how Paddle Inference computes; both sides of a comparison use the same.

    `device` is "cpu" or "gpu:<index of the visible device>", `threads` the CPU threads of one predictor,
    `without_passes` are passes of Paddle that the model cannot bear (paddle_model/adaptation.py).
    """

    ir_optim: bool = True
    onednn: bool = True
    threads: int = 1
    device: str = "cpu"
    memory_optim: bool = True
    precision: Literal["fp32"] = "fp32"
    backend: Backend = "Default"
    without_passes: tuple[str, ...] = ()
