"""spec.engine.backend: what computes."""

from enum import StrEnum


class Backend(StrEnum):
    """Which of Paddle Inference's engines computes; Auto: a pod finds out when it starts."""

    DEFAULT = "Default"
    OPENVINO = "OpenVINO"
    AUTO = "Auto"
