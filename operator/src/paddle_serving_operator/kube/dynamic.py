"""The API server through the official client."""

import json
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from typing_extensions import override

from paddle_serving_operator.constants import FIELD_MANAGER, Kind, Manifest
from paddle_serving_operator.kube.cluster import Cluster
from paddle_serving_operator.kube.errors import KubeError, NotFound, error_of

TIMEOUT: Final = (5.0, 30.0)  # seconds to connect, seconds for the answer
PAGE: Final = 500
Query: TypeAlias = Sequence[tuple[str, str]]


class _NoDiscovery:
    """Stands in for the client's discovery: the few kinds are known, and a read-only disk has no cache."""

    def __init__(self, *_: object) -> None:
        pass


def load_configuration() -> client.Configuration:
    """Where the API server is: the pod's service account, else the kubeconfig. Raises kubernetes' ConfigException."""
    configuration = client.Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except config.ConfigException:
        config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    return configuration


class DynamicCluster(Cluster):
    """A Cluster on kubernetes.dynamic. Safe for several threads."""

    def __init__(self, configuration: client.Configuration, connections: int) -> None:
        """`connections`: how many threads use it at once."""
        configuration.connection_pool_maxsize = connections
        configuration.retries = False  # the queue repeats, with its own patience
        self._client = DynamicClient(  # type: ignore[no-untyped-call]
            client.ApiClient(configuration), discoverer=_NoDiscovery
        )

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
    def apply(self, kind: Kind, namespace: str, manifest: Manifest) -> None:
        """Server-side apply. An unknown field is an error, not silently dropped."""
        self._apply(kind, namespace, manifest["metadata"]["name"], manifest)

    @override
    def apply_status(self, kind: Kind, namespace: str, manifest: Manifest) -> None:
        """Server-side apply of the status subresource."""
        self._apply(kind, namespace, f"{manifest['metadata']['name']}/status", manifest)

    def _apply(self, kind: Kind, namespace: str, path: str, manifest: Manifest) -> None:
        query = [("fieldManager", FIELD_MANAGER), ("force", "true"), ("fieldValidation", "Strict")]
        self._request(
            "patch", kind, namespace, path, query=query, body=manifest, content_type="application/apply-patch+yaml"
        )

    @override
    def create(self, kind: Kind, namespace: str, manifest: Manifest) -> None:
        """Creates an object."""
        self._request("post", kind, namespace, "", query=[("fieldManager", FIELD_MANAGER)], body=manifest)

    @override
    def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Deletes the object with this uid."""
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Background",
        }
        try:
            self._request("delete", kind, namespace, name, body=body)
        except NotFound:
            return

    def serves(self, kind: Kind) -> bool:
        """Whether the API server knows the kind."""
        prefix = "/apis" if "/" in kind.api_version else "/api"
        try:
            found = self._send("get", f"{prefix}/{kind.api_version}", f"discovery of {kind.api_version}")
        except NotFound:
            return False
        return any(resource["name"] == kind.plural for resource in found.get("resources", ()))

    def _request(
        self,
        verb: str,
        kind: Kind,
        namespace: str,
        name: str,
        *,
        query: Query = (),
        body: Manifest | None = None,
        content_type: str = "application/json",
    ) -> Manifest:
        prefix = "/apis" if "/" in kind.api_version else "/api"
        path = f"{prefix}/{kind.api_version}/namespaces/{namespace}/{kind.plural}{'/' if name else ''}{name}"
        what = f"{verb} {kind.kind} {namespace}/{name}"
        return self._send(verb, path, what, query_params=[*query], body=body, content_type=content_type)

    def _send(self, verb: str, path: str, what: str, **parameters: Any) -> Manifest:  # noqa: ANN401 - the client's own
        try:
            answer = self._client.request(verb, path, serialize=False, _request_timeout=TIMEOUT, **parameters)
            content: Manifest = json.loads(answer.data or b"{}")
        except ApiException as error:
            raise _translated(what, error) from error
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise error_of(None, f"{what}: no answer from the API server: {error}") from error
        return content


def _translated(what: str, error: ApiException) -> KubeError:
    try:
        message = json.loads(error.body or "")["message"]
    except (TypeError, ValueError, KeyError):
        message = error.reason or "no reason given"
    return error_of(error.status, f"{what}: {message}")
