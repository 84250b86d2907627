"""spec.engine.backend: what computes."""

from enum import StrEnum


class Backend(StrEnum):
    """Which of Paddle Inference's engines computes; Auto: a pod finds out when it starts."""

    DEFAULT = "Default"
    OPENVINO = "OpenVINO"
    AUTO = "Auto"


class Allocator(StrEnum):
    """What allocates memory where the model is computed; the values are those of the runtime's --allocator."""

    TCMALLOC = "tcmalloc"
    SYSTEM = "system"
