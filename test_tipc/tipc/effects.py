"""Whether a service that runs does what the switches of the configuration ask for, as its worker reports it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from paddle_serving_runtime.graph.config import NO_EFFECT
from tipc import devices, matrix
from tipc.config import Config
from tipc.devices import Report
from tipc.matrix import Combination

LOCAL = ".local_service_conf."
"""What every switch of an Op in config.yml has in its key."""


@dataclass(frozen=True)
class _Idle:
    """A key in config.yml that nothing reads."""

    key: str
    reason: str


def objection(config: Config, combination: Combination, report: Report) -> str:
    """What the worker does not do of what the combination asks for, as a sentence; empty where it does all."""
    contradiction = devices.contradiction(matrix.asked_device(config, combination), report.device)
    return contradiction or without_effect(config, combination, report)


def without_effect(config: Config, combination: Combination, report: Report) -> str:
    """The first switch that changes nothing, with its line; empty where each of them is read."""
    idle = list(_idle(report))
    for word in matrix.switches(config, combination):
        key, _, value = word.partition("=")
        path = matrix.override(key, value)[0]
        reasons = [found.reason for found in idle if f"{path}.".startswith(f"{found.key}.")]
        if LOCAL in key and not matrix.config_overrides([word]):
            reasons.append("a key of config.yml begins with op.<name>.")
        if reasons:
            return (
                f"line {config.places[key]}: {key} has no effect on the service, so that nothing is tested with it: "
                f"{reasons[0]} Correct the key, or write null:null."
            )
    return ""


def _idle(report: Report) -> Iterator[_Idle]:
    for warning in report.warnings:
        key, said, reason = warning.partition(NO_EFFECT)
        if said:
            yield _Idle(key, reason)
