from dataclasses import dataclass
from typing import Literal


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
    without_passes: tuple[str, ...] = ()
