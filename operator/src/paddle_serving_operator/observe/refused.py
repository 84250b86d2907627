"""The report of a pod that was refused: the pod has ended, so that its log alone still has it. Pure."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from paddle_serving_operator.api.conditions import Reason
from paddle_serving_operator.observe.pods import TERMINATION_MESSAGE, Raw, is_ready

SERVE = "serve"
REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Ended:
    """A container that has ended because its answers were not right. `previous`: another one has taken its place."""

    pod: str
    uid: str
    restarts: int
    previous: bool


def ended(pods: Collection[Raw]) -> Ended | None:
    """The first of these pods, by name, whose runtime has refused to serve; None where none has, or one is Ready."""
    if any(map(is_ready, pods)):
        return None
    found = (one for pod in sorted(pods, key=lambda pod: str(pod["metadata"]["name"])) if (one := _ended(pod)))
    return next(found, None)


def _ended(pod: Raw) -> Ended | None:
    for container in pod.get("status", {}).get("containerStatuses", ()):
        if container["name"] != SERVE:
            continue
        now, before = (container.get(field, {}).get("terminated") for field in ("state", "lastState"))
        said = TERMINATION_MESSAGE.match(str((now or before or {}).get("message", "")).strip())
        if said is not None and said[1] == Reason.NOT_CONSISTENT:
            metadata = pod["metadata"]
            return Ended(metadata["name"], metadata["uid"], container.get("restartCount", 0), previous=now is None)
    return None


def report_in(log: str) -> bytes | None:
    """The report in the last line that says that the pod was refused, as JSON; None where there is no such line."""
    for line in reversed(log.splitlines()):
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # what the service itself prints
        if isinstance(entry, dict) and entry.get("message") == REFUSED and isinstance(entry.get("report"), dict):
            return json.dumps(entry["report"], ensure_ascii=False, separators=(",", ":")).encode()
    return None


def is_of_refused(report: Mapping[str, object]) -> bool:
    """Whether it is the report of a pod that was refused; one that need not be right may serve without a verdict."""
    consistency = report.get("consistency")
    required = isinstance(consistency, dict) and consistency.get("required") is True
    return report.get("verdict") == "None" and required
