"""kubectl and helm, each call with a deadline and an error that shows what the tool said."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from e2e.lib.wait import Seen, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).resolve().parents[2]
CALL_SECONDS = 60.0

Object = dict[str, Any]


class CommandFailed(AssertionError):  # noqa: N818 - reads as what happened
    """A tool ended with an error; `stderr` is what it said."""

    def __init__(self, command: Sequence[str], code: int | None, stdout: str, stderr: str) -> None:
        ending = "did not end in time" if code is None else f"ended with {code}"
        super().__init__(f"`{' '.join(command)}` {ending}\n{stderr.strip()}\n{stdout.strip()[-4000:]}")
        self.code = code
        self.stdout = stdout
        self.stderr = stderr


def run(command: Sequence[str], *, stdin: str | None = None, timeout: float = CALL_SECONDS) -> str:
    """The command's standard output, started in the repository's root. Raises CommandFailed."""
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False, cwd=ROOT
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(command, None, _text(error.stdout), _text(error.stderr)) from None
    if done.returncode:
        raise CommandFailed(command, done.returncode, done.stdout, done.stderr)
    return done.stdout


def _text(output: bytes | str | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One context of the kubeconfig; every command names it, so that no changed default can redirect a test."""

    context: str

    def kubectl_command(self, *arguments: str) -> list[str]:
        """The command line of kubectl with these arguments."""
        return ["kubectl", "--context", self.context, *arguments]

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = CALL_SECONDS) -> str:
        """What kubectl printed. Raises CommandFailed."""
        return run(self.kubectl_command(*arguments), stdin=stdin, timeout=timeout)

    def helm(self, *arguments: str, timeout: float = 180.0) -> str:
        """What helm printed. Raises CommandFailed."""
        return run(["helm", "--kube-context", self.context, *arguments], timeout=timeout)

    def namespace(self, name: str) -> Namespace:
        """A namespace by its name; it need not exist."""
        return Namespace(self, name)

    def create_namespace(self, name: str, labels: dict[str, str]) -> Namespace:
        """Makes the namespace, or gives an existing one these labels."""
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
        return self.namespace(name)


@dataclass(frozen=True, slots=True)
class Namespace:
    """One namespace of a cluster."""

    cluster: Cluster
    name: str

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = CALL_SECONDS) -> str:
        """What kubectl printed, in this namespace. Raises CommandFailed."""
        return self.cluster.kubectl("-n", self.name, *arguments, stdin=stdin, timeout=timeout)

    def helm(self, *arguments: str, timeout: float = 180.0) -> str:
        """What helm printed, in this namespace. Raises CommandFailed."""
        return self.cluster.helm("-n", self.name, *arguments, timeout=timeout)

    def apply(self, *manifests: Object) -> None:
        """Creates or changes the objects. Raises CommandFailed with the words of the API server."""
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))

    def find(self, kind: str, name: str) -> Object | None:
        """The object, or None where there is none."""
        text = self.kubectl("get", kind, name, "--ignore-not-found", "-o", "json")
        return json.loads(text) if text.strip() else None

    def list(self, kind: str, selector: str = "") -> list[Object]:
        """The objects of a kind, or of several with commas between."""
        arguments = ("--selector", selector) if selector else ()
        found: list[Object] = json.loads(self.kubectl("get", kind, *arguments, "-o", "json"))["items"]
        return found

    def exec(self, pod: str, *command: str, container: str = "", timeout: float = CALL_SECONDS) -> str:
        """What a command inside a container printed. Raises CommandFailed."""
        where = ("--container", container) if container else ()
        return self.kubectl("exec", pod, *where, "--", *command, timeout=timeout)

    def pod_is_running(self, name: str, *, within: float) -> None:
        """Waits until every container of the pod runs and is ready."""

        def look() -> Seen:
            pod = self.find("pod", name)
            ready = bool(pod) and condition_of(pod or {}, "Ready").get("status") == "True"
            return Seen(ready, describe_pod(pod))

        wait_for(f"pod {self.name}/{name} ready", look, within=within)

    def pod_succeeds(self, name: str, *, within: float) -> str:
        """Waits until the pod has ended well; returns what it printed. Ends early when it has failed."""

        def look() -> Seen:
            pod = self.find("pod", name)
            phase = (pod or {}).get("status", {}).get("phase")
            if phase == "Failed":
                raise AssertionError(
                    f"pod {self.name}/{name} failed: {describe_pod(pod)}\n{self.kubectl('logs', name)}"
                )
            return Seen(phase == "Succeeded", describe_pod(pod))

        wait_for(f"pod {self.name}/{name} succeeded", look, within=within)
        return self.kubectl("logs", name)


def condition_of(resource: Object, kind: str) -> Object:
    """The condition of that type in the object's status; empty where it has none."""
    conditions: Iterable[Object] = resource.get("status", {}).get("conditions", ())
    return next((condition for condition in conditions if condition["type"] == kind), {})


def describe_pod(pod: Object | None) -> str:
    """Phase and the state of every container, in one line."""
    if pod is None:
        return "no such pod"
    status = pod.get("status", {})
    containers = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    states = [f"{entry['name']} {_state(entry.get('state', {}))}" for entry in containers]
    return f"{pod['metadata']['name']}: {status.get('phase')}; {', '.join(states) or 'no container yet'}"


def _state(state: Object) -> str:
    kind = next(iter(state), "unknown")
    details: Object = state.get(kind, {})
    words = [kind, *(str(details[key]) for key in ("reason", "exitCode", "message") if key in details)]
    return " ".join(words)
