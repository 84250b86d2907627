"""The API server by its REST interface, over the connections of the official client."""

import copy
import json
import math
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Final, NamedTuple, Self, TypeAlias
from urllib.parse import urlencode

import orjson
import urllib3
from kubernetes import client, config
from typing_extensions import override

from paddle_serving_operator.constants import FIELD_MANAGER, POD, Kind, Manifest
from paddle_serving_operator.kube.budget import CONNECT_SECONDS, Budget, OutOfTime
from paddle_serving_operator.kube.cluster import ApiServer, Cluster
from paddle_serving_operator.kube.errors import Expired, KubeError, NotFound, error_of
from paddle_serving_operator.recorder import Recorder

TIMEOUT: Final = (CONNECT_SECONDS, 30.0)  # seconds to connect, seconds for the answer, of calls outside a pass
PAGE: Final = 500
LOG_SECONDS: Final = 5.0
LOG_LIMITS: Final = (("tailLines", "100"), ("limitBytes", str(4 << 20)))
FIRST_ERROR: Final = 300  # the first HTTP status that is no answer; nothing here is told to look elsewhere
IDENTITY: Final = {"Accept": "application/json", "User-Agent": FIELD_MANAGER}
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


class RestCluster(Cluster, ApiServer):
    """A Cluster over HTTP. Safe for several threads.

    The official client knows how to connect and who to be. Its layers above that (paths of resources that it discovers,
    models, copies of every body) cost more than a request, and none of it is needed here.
    """

    def __init__(self, configuration: client.Configuration, connections: int, recorder: Recorder) -> None:
        """`connections`: how many threads use it at once."""
        configuration.connection_pool_maxsize = connections
        configuration.retries = False  # the queue repeats, with its own patience
        self._configuration = configuration
        self._pool: urllib3.PoolManager = client.ApiClient(configuration).rest_client.pool_manager
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
        """The objects that a label selector matches, page by page, or as a whole where the next page has expired."""
        found: list[Manifest] = []
        matching = ("labelSelector", selector)
        query = [matching, ("limit", str(PAGE))]
        while True:
            try:
                page = self._request("get", kind, namespace, "", query=query)
            except Expired:  # begun anew in pages it could expire for ever
                page, found = self._request("get", kind, namespace, "", query=[matching]), []
            found += page.get("items") or []
            token = page.get("metadata", {}).get("continue", "")
            if not token:
                return found
            query = [matching, ("limit", str(PAGE)), ("continue", token)]

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
    def create(self, kind: Kind, namespace: str, manifest: Manifest) -> Manifest:
        """Creates an object. An unknown field is an error, not silently dropped."""
        query = [("fieldManager", FIELD_MANAGER), ("fieldValidation", "Strict")]
        return self._request("post", kind, namespace, "", query=query, body=manifest)

    @override
    def dry_run(self, kind: Kind, namespace: str, manifest: Manifest) -> Manifest:
        """What would be stored of a new object: fields that the API server does not know are not in it."""
        return self._request("post", kind, namespace, "", query=[("dryRun", "All")], body=manifest)

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
        return self._answer(call, query, {}, longest=LOG_SECONDS).decode(errors="replace")

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
        return self._send(call, query, body, content_type)

    def _send(
        self, call: _Call, query: Query = (), body: object = None, content_type: str = "application/json"
    ) -> Manifest:
        data = None if body is None else orjson.dumps(body)
        answer = self._answer(call, query, {"Content-Type": content_type}, data)
        try:
            content: Manifest = orjson.loads(answer or b"{}")
        except ValueError as error:
            raise error_of(None, f"{call}: no answer from the API server: {error}") from error
        return content

    def _answer(
        self,
        call: _Call,
        query: Query,
        headers: dict[str, str],
        body: bytes | None = None,
        *,
        longest: float = math.inf,
    ) -> bytes:
        """The body of the answer, for which the pass's time is waited, and `longest` seconds at most."""
        budget = self._budget
        connect, wait = budget.timeouts(str(call)) if budget else TIMEOUT
        timeout = urllib3.Timeout(connect=connect, read=min(wait, longest))
        began, code = time.monotonic(), "none"
        try:
            with budget.spending(str(call), writes=call.method != "get") if budget else nullcontext():
                answer = self._ask(call, query, headers, body, timeout)
                code = str(answer.status)
                if answer.status >= FIRST_ERROR:
                    raise _error(call, answer)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if budget and not budget.left():
                raise OutOfTime(f"{call}: {budget.summary()}") from error
            raise error_of(None, f"{call}: no answer from the API server: {error}") from error
        finally:
            self._recorder.called(call.verb, call.kind, code, time.monotonic() - began)
        return answer.data

    def _ask(
        self, call: _Call, query: Query, headers: dict[str, str], body: bytes | None, timeout: urllib3.Timeout
    ) -> urllib3.BaseHTTPResponse:
        # a token that expires is read anew by this, and with it the address
        token = self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        who = {"Authorization": token} if token else {}
        url = f"{self._configuration.host}{call.path}{'?' if query else ''}{urlencode(query)}"
        return self._pool.request(
            call.method.upper(), url, body=body, headers=IDENTITY | headers | who, timeout=timeout, redirect=False
        )


def _prefix(kind: Kind) -> str:
    return "/apis" if "/" in kind.api_version else "/api"


def _error(call: _Call, answer: urllib3.BaseHTTPResponse) -> KubeError:
    try:
        message = json.loads(answer.data)["message"]
    except (TypeError, ValueError, KeyError):
        message = answer.reason or "no reason given"
    return error_of(answer.status, f"{call}: {message}")
