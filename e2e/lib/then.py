"""What must come of it. Every expectation waits up to its deadline and says what it last saw."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from e2e.lib.cluster import CommandFailed, condition_of, describe_pod
from e2e.lib.wait import Seen, expect, wait_for

if TYPE_CHECKING:
    from e2e.lib.cluster import Object
    from e2e.lib.service import Service


def describe(resource: Object) -> str:
    """Phase and conditions of a PaddleService, one line each."""
    status = resource.get("status", {})
    generation = resource["metadata"]["generation"]
    lines = [f"phase {status.get('phase')}, observed generation {status.get('observedGeneration')} of {generation}"]
    lines += [
        f"{entry['type']}={entry['status']} {entry['reason']}: {entry['message']}"
        for entry in status.get("conditions", ())
    ]
    return "\n  ".join(lines)


def is_observed(resource: Object) -> bool:
    """Whether the status speaks of the newest spec."""
    observed = resource.get("status", {}).get("observedGeneration")
    return bool(observed == resource["metadata"]["generation"])


@dataclass(frozen=True, slots=True)
class Then:
    """Expectations on one PaddleService."""

    service: Service

    def phase_becomes(self, phase: str, *, within: float, not_over: str = "") -> float:
        """Waits for the phase, for the newest spec; returns the seconds it took.

        Raises AssertionError at once where the phase is `not_over`: one that does not lead to the one waited for.
        """

        def look() -> Seen:
            resource = self.service.resource()
            seen = resource.get("status", {}).get("phase") if is_observed(resource) else None
            expect(seen is None or seen != not_over, f"{self.service.name} is {seen}: {self._with_pods(resource)}")
            return Seen(seen == phase, self._with_pods(resource))

        return wait_for(f"PaddleService {self.service.name} in phase {phase}", look, within=within)

    def condition_becomes(self, kind: str, status: str, reason: str = "", *, within: float) -> str:
        """Waits for the condition, for the newest spec; returns its message."""

        def look() -> Seen:
            resource = self.service.resource()
            found = condition_of(resource, kind)
            wanted = found.get("status") == status and reason in {"", found.get("reason")}
            return Seen(is_observed(resource) and wanted, self._with_pods(resource))

        wait_for(f"condition {kind}={status} {reason} of {self.service.name}", look, within=within)
        message: str = condition_of(self.service.resource(), kind)["message"]
        return message

    def fails(self, reason: str, *, says: tuple[str, ...], condition: str = "Progressing", within: float) -> str:
        """Waits until the rollout has failed with that reason; its sentence contains each of `says`. Returns it."""
        message = self.condition_becomes(condition, "False", reason, within=within)
        missing = [part for part in says if part not in message]
        expect(not missing, f"{condition} {reason} does not name {missing}: {message}")
        return message

    def candidate_becomes_another(self, earlier: str, *, within: float) -> str:
        """Waits until another revision than `earlier` wants the traffic, for the newest spec; returns its name."""

        def look() -> Seen:
            resource = self.service.resource()
            return Seen(is_observed(resource) and self.service.candidate not in {"", earlier}, describe(resource))

        wait_for(f"a candidate of {self.service.name} after {earlier or 'none'}", look, within=within)
        return self.service.candidate

    def report_is_kept(self, revision: str, *, within: float) -> Object:
        """Waits until `kubectl paddle report` has the revision's report; returns it."""
        found: list[str] = []

        def look() -> Seen:
            try:
                found.append(self.service.paddle("report", "--revision", revision, "-o", "json"))
            except CommandFailed as error:
                return Seen(done=False, what=str(error))
            return Seen(done=True, what="a report")

        wait_for(f"the report of revision {revision}", look, within=within)
        report: Object = json.loads(found[-1])
        return report

    def pods_are_ready(self, count: int, *, within: float) -> None:
        """Waits until exactly that many pods of the stable revision are there and ready."""

        def look() -> Seen:
            pods = self.service.pods(self.service.revision)
            ready = [condition_of(pod, "Ready").get("status") == "True" for pod in pods]
            return Seen(len(pods) == count and all(ready), "; ".join(map(describe_pod, pods)) or "no pods")

        wait_for(f"{count} ready pods of {self.service.name}", look, within=within)

    def only_one_revision_is_left(self, *, within: float) -> None:
        """Waits until no pod of another revision than the stable one is left, ending ones included."""

        def look() -> Seen:
            selector = f"serving.paddlepaddle.org/service={self.service.name}"
            others = f"{selector},serving.paddlepaddle.org/revision!={self.service.revision}"
            left = self.service.namespace.list("pod", others)
            return Seen(not left, "; ".join(map(describe_pod, left)))

        wait_for(f"only pods of revision {self.service.revision}", look, within=within)

    def _with_pods(self, resource: Object) -> str:
        pods = "\n  ".join(map(describe_pod, self.service.pods()))
        return f"{describe(resource)}\n  {pods}"
