"""The API server through the official client."""

import copy
import json
import math
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Final, NamedTuple, Self, TypeAlias

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from typing_extensions import override

from paddle_serving_operator.constants import FIELD_MANAGER, POD, Kind, Manifest
from paddle_serving_operator.kube.budget import CONNECT_SECONDS, Budget, OutOfTime
from paddle_serving_operator.kube.cluster import ApiServer, Cluster
from paddle_serving_operator.kube.errors import KubeError, NotFound, error_of
from paddle_serving_operator.recorder import Recorder

TIMEOUT: Final = (CONNECT_SECONDS, 30.0)  # seconds to connect, seconds for the answer, of calls outside a pass
PAGE: Final = 500
LOG_SECONDS: Final = 5.0
LOG_LIMITS: Final = (("tailLines", "100"), ("limitBytes", str(4 << 20)))
Query: TypeAlias = Sequence[tuple[str, str]]


class _Call(NamedTuple):
    """A request: its HTTP method and path, and the API's verb, kind and name for people and metrics."""

    method: str
    path: str
    verb: str
    kind: str
    name: str

    @override
    def __str__(self) -> str:
        return f"{self.verb} {self.kind} {self.name}"


class _NoDiscovery:
    """Stands in for the client's discovery: the few kinds are known, and a read-only disk has no cache."""

    def __init__(self, *_: object) -> None:
        pass


def load_configuration() -> client.Configuration:
    """Where the API server is: the pod's service account, else the kubeconfig. Raises kubernetes' ConfigException."""
    configuration = client.Configuration()
    # HTTPS_PROXY is for addresses outside the cluster; kopf's watches do not use it, and the writes must not either
    configuration.proxy = None
    try:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except config.ConfigException:
        config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    return configuration


class DynamicCluster(Cluster, ApiServer):
    """A Cluster on kubernetes.dynamic. Safe for several threads."""

    def __init__(self, configuration: client.Configuration, connections: int, recorder: Recorder) -> None:
        """`connections`: how many threads use it at once."""
        configuration.connection_pool_maxsize = connections
        configuration.retries = False  # the queue repeats, with its own patience
        self._client = DynamicClient(  # type: ignore[no-untyped-call]
            client.ApiClient(configuration), discoverer=_NoDiscovery
        )
        self._recorder = recorder
        self._budget: Budget | None = None

    @override
    def within(self, budget: Budget) -> Self:
        """The same connections for one pass; its calls end when the time of the pass does."""
        limited = copy.copy(self)
        limited._budget = budget  # noqa: SLF001 - of the same class
        return limited

    @override
    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """The object, or None where there is none."""
        try:
            return self._request("get", kind, namespace, name)
        except NotFound:
            return None

    @override
    def list(self, kind: Kind, namespace: str, selector: str) -> list[Manifest]:
        """The objects that a label selector matches, page by page."""
        found: list[Manifest] = []
        token = ""
        while True:
            query = [("labelSelector", selector), ("limit", str(PAGE)), *([("continue", token)] if token else [])]
            page = self._request("get", kind, namespace, "", query=query)
            found += page.get("items") or []
            token = page.get("metadata", {}).get("continue", "")
            if not token:
                return found

    @override
    def apply(self, kind: Kind, namespace: str, manifest: Manifest) -> Manifest:
        """Server-side apply. An unknown field is an error, not silently dropped."""
        return self._apply(kind, namespace, manifest["metadata"]["name"], manifest)

    @override
    def apply_status(self, kind: Kind, namespace: str, manifest: Manifest) -> Manifest:
        """Server-side apply of the status subresource."""
        return self._apply(kind, namespace, f"{manifest['metadata']['name']}/status", manifest)

    @override
    def patch(self, kind: Kind, namespace: str, name: str, operations: Sequence[Manifest]) -> Manifest:
        """A JSON patch. An unknown field is an error, not silently dropped."""
        query = [("fieldManager", FIELD_MANAGER), ("fieldValidation", "Strict")]
        return self._request(
            "patch", kind, namespace, name, query=query, body=operations, content_type="application/json-patch+json"
        )

    def _apply(self, kind: Kind, namespace: str, path: str, manifest: Manifest) -> Manifest:
        query = [("fieldManager", FIELD_MANAGER), ("force", "true"), ("fieldValidation", "Strict")]
        return self._request(
            "patch", kind, namespace, path, query=query, body=manifest, content_type="application/apply-patch+yaml"
        )

    @override
    def create(self, kind: Kind, namespace: str, manifest: Manifest) -> None:
        """Creates an object."""
        self._request("post", kind, namespace, "", query=[("fieldManager", FIELD_MANAGER)], body=manifest)

    @override
    def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> Manifest | None:
        """Deletes the object with this uid. The API server answers with a Status where nothing holds the object."""
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Background",
        }
        try:
            answer = self._request("delete", kind, namespace, name, body=body)
        except NotFound:
            return None
        return answer if answer.get("kind") == kind.kind else None

    @override
    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
        """The last lines of a container's log, a few MiB at most. A node that does not answer costs a few seconds."""
        path = f"{_prefix(POD)}/{POD.api_version}/namespaces/{namespace}/{POD.plural}/{pod}/log"
        query = [("container", container), ("previous", str(previous).lower()), *LOG_LIMITS]
        call = _Call("get", path, "log", POD.kind, f"{namespace}/{pod}")
        return self._answer(call, longest=LOG_SECONDS, query_params=query).decode(errors="replace")

    def serves(self, kind: Kind) -> bool:
        """Whether the API server knows the kind."""
        path = f"{_prefix(kind)}/{kind.api_version}"
        try:
            found = self._send(_Call("get", path, "discover", kind.kind, kind.api_version))
        except NotFound:
            return False
        return any(resource["name"] == kind.plural for resource in found.get("resources", ()))

    def _request(
        self,
        method: str,
        kind: Kind,
        namespace: str,
        name: str,
        *,
        query: Query = (),
        body: Manifest | Sequence[Manifest] | None = None,
        content_type: str = "application/json",
    ) -> Manifest:
        within = f"/namespaces/{namespace}" if namespace else ""
        path = f"{_prefix(kind)}/{kind.api_version}{within}/{kind.plural}{'/' if name else ''}{name}"
        verb = "list" if method == "get" and not name else method
        call = _Call(method, path, verb, kind.kind, f"{namespace}/{name}")
        return self._send(call, query_params=[*query], body=body, content_type=content_type)

    def _send(self, call: _Call, **parameters: Any) -> Manifest:  # noqa: ANN401 - the client's own
        answer = self._answer(call, **parameters)
        try:
            content: Manifest = json.loads(answer or b"{}")
        except ValueError as error:
            raise error_of(None, f"{call}: no answer from the API server: {error}") from error
        return content

    def _answer(self, call: _Call, *, longest: float = math.inf, **parameters: Any) -> bytes:  # noqa: ANN401
        """The body of the answer, for which the pass's time is waited, and `longest` seconds at most."""
        budget = self._budget
        connect, wait = budget.timeouts(str(call)) if budget else TIMEOUT
        timeouts = connect, min(wait, longest)
        began, code = time.monotonic(), "none"
        try:
            with budget.spending(str(call), writes=call.method != "get") if budget else nullcontext():
                answer = self._client.request(
                    call.method, call.path, serialize=False, _request_timeout=timeouts, **parameters
                )
                code = str(answer.status)
                content: bytes = answer.data
        except ApiException as error:
            code = str(error.status or code)
            raise _translated(call, error) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if budget and not budget.left():
                raise OutOfTime(f"{call}: {budget.summary()}") from error
            raise error_of(None, f"{call}: no answer from the API server: {error}") from error
        finally:
            self._recorder.called(call.verb, call.kind, code, time.monotonic() - began)
        return content


def _prefix(kind: Kind) -> str:
    return "/apis" if "/" in kind.api_version else "/api"


def _translated(call: _Call, error: ApiException) -> KubeError:
    try:
        message = json.loads(error.body or "")["message"]
    except (TypeError, ValueError, KeyError):
        message = error.reason or "no reason given"
    return error_of(error.status, f"{call}: {message}")
