"""What was asked of the answers. Without numpy: it is known before the workers are started."""

from dataclasses import dataclass
from typing import Any, Literal

Require = Literal["recorded", "engine-only", "auto"]


@dataclass(frozen=True)
class Consistency:
    """How answers are compared: `exact` bit for bit, else within (rtol, atol); `required` lets a difference end it.

    `max_tolerance` is the largest relative difference that a recorded tolerance may let pass.
    """

    exact: bool
    rtol: float
    atol: float
    require: Require
    required: bool
    max_tolerance: float

    def as_json(self) -> dict[str, Any]:
        """The fields as the report has them."""
        return {
            "mode": "exact" if self.exact else "tolerance",
            "rtol": 0.0 if self.exact else self.rtol,
            "atol": 0.0 if self.exact else self.atol,
            "maxTolerance": self.max_tolerance,
            "require": self.require,
            "required": self.required,
        }
