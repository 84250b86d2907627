"""PaddleServices and what belongs to them, as the API server has them."""

from collections.abc import Sequence
from difflib import get_close_matches
from urllib.parse import quote, urlencode

from paddle_serving_operator.constants import (
    CONFIG_MAP,
    CONTROLLER_REVISION,
    LABEL_SERVICE,
    PADDLE_SERVICE,
    POD,
    Kind,
)
from paddle_serving_operator.plugin.kubectl import Json, Kubectl
from paddle_serving_operator.plugin.problems import Cause, Exit, KubectlError, ProblemError
from paddle_serving_operator.view.overview import Objects
from paddle_serving_operator.view.raw import Raw, objects_at, text_at

CORE_EVENT = Kind("v1", "Event", "events")
NAMESPACE = Kind("v1", "Namespace", "namespaces")
MANAGER = "kubectl-paddle"
PARTS = ("revisions", "reports", "pods", "events")


class Cluster:
    """One namespace of a cluster, or all of them where `namespace` is ""."""

    def __init__(self, kubectl: Kubectl, namespace: str) -> None:
        self.kubectl = kubectl
        self.namespace = namespace

    def services(self, names: Sequence[str] = ()) -> tuple[Raw, ...]:
        """The PaddleServices of these names, without names every one. Raises ProblemError."""
        if names and not self.namespace:
            raise ProblemError("Names belong to one namespace: leave out -A or the names.", Exit.USAGE)
        if names:
            return tuple(self.service(name) for name in names)
        return objects_at(self.kubectl.get(path_of(PADDLE_SERVICE, self.namespace)), "items")

    def service(self, name: str) -> Json:
        """One PaddleService. Raises KubectlError, with names that are near where there is none of this name."""
        try:
            return self.kubectl.get(path_of(PADDLE_SERVICE, self.namespace, name))
        except KubectlError as error:
            if error.cause is not Cause.NOT_FOUND:
                raise
            raise ProblemError(self._not_found(name)) from error

    def objects(self, name: str, *parts: str) -> Objects:
        """A PaddleService and the parts that are asked for (of PARTS), read at the same time. Raises KubectlError."""
        calls = {part: self.kubectl.ask(part_path(part, self.namespace, name)) for part in parts}
        try:
            service = self.service(name)  # one that does not exist is told before anything else
            found = {part: objects_at(call.json(), "items") for part, call in calls.items()}
        finally:
            for call in calls.values():
                call.end()
        return Objects(service=service, **found)

    def replace(self, service: Json, *, dry_run: bool = False) -> Json:
        """Writes a PaddleService back. Raises KubectlError; a conflict where it changed since it was read."""
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
        name = text_at(service, "metadata", "name")
        return self.kubectl.put(f"{path_of(PADDLE_SERVICE, self.namespace, name)}?{urlencode(query)}", service)

    def names(self, kind: Kind = PADDLE_SERVICE) -> list[str]:
        """The names of a namespace's objects, or of the namespaces. Raises KubectlError."""
        namespace = "" if kind is NAMESPACE else self.namespace
        items = objects_at(self.kubectl.get(path_of(kind, namespace)), "items")
        return sorted(text_at(item, "metadata", "name") for item in items)

    def _not_found(self, name: str) -> str:
        text = f'There is no PaddleService "{name}" in namespace "{self.namespace}".'
        try:
            names = self.names()
        except KubectlError:
            return f"{text} `kubectl paddle get -A` lists those of all namespaces."
        near = get_close_matches(name, names, n=3) or (names if len(names) <= 3 else [])  # noqa: PLR2004 - a short list
        if near:
            return f"{text} There is {' and '.join(near)}."
        return f"{text} `kubectl paddle get -A` lists those of all namespaces."


def path_of(kind: Kind, namespace: str, name: str = "") -> str:
    """The path of a kind's objects, in all namespaces where `namespace` is ""."""
    prefix = "/apis" if "/" in kind.api_version else "/api"
    place = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"{prefix}/{kind.api_version}{place}/{kind.plural}" + (f"/{quote(name, safe='')}" if name else "")


def part_path(part: str, namespace: str, name: str) -> str:
    """The path of a part of what belongs to a PaddleService, with the selector of it."""
    label = {"labelSelector": f"{LABEL_SERVICE}={name}"}
    kinds = {"revisions": CONTROLLER_REVISION, "reports": CONFIG_MAP, "pods": POD, "events": CORE_EVENT}
    about = {"fieldSelector": f"involvedObject.kind={PADDLE_SERVICE.kind},involvedObject.name={name}"}
    return f"{path_of(kinds[part], namespace)}?{urlencode(about if part == 'events' else label)}"
