"""One namespace of a real API server with a make-believe kubelet, and the operator as a process or as passes."""

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config

from e2e.ports import free_ports
from paddle_serving_operator.constants import DEPLOYMENT, LABEL_REVISION, PADDLE_SERVICE, POD, SERVICE, Key, Kind
from paddle_serving_operator.kube.budget import Budget
from paddle_serving_operator.kube.rest import RestCluster
from paddle_serving_operator.observe.audits import Audits
from paddle_serving_operator.observe.mirror import Mirror
from paddle_serving_operator.observe.reports import Fetch, Reports
from paddle_serving_operator.observe.sampling import Sampler
from paddle_serving_operator.reconcile.observer import Observer
from paddle_serving_operator.reconcile.reconciler import Reconciler
from paddle_serving_operator.reconcile.tally import Tally
from paddle_serving_operator.reconcile.workers import PASS_SECONDS
from paddle_serving_operator.recorder import Unrecorded
from paddle_serving_operator.settings import Profile, Settings

from .control_plane import NODE, ControlPlane, Object, RefusedError

BINDING = Kind("v1", "Binding", POD.plural)
PROFILES = {
    "cpu": Profile("runtime:1", "IfNotPresent", {"cpu": "2", "memory": "2Gi"}, {"cpu": "500m"}),
    "gpu": Profile("runtime:1-gpu", "IfNotPresent", {"cpu": "2", "memory": "2Gi", "nvidia.com/gpu": "1"}, {}),
}
PATIENCE_SECONDS = 240.0  # a machine may be many times slower than an idle one; a resync comes after 10 min only
numbers = itertools.count(1)


def digest(letter: str) -> str:
    """A digest that is easy to tell from others."""
    return "sha256:" + letter * 64


def spec(letter: str = "a", **fields: object) -> Object:
    """The spec of a model with that digest; keyword arguments add fields."""
    return {"model": {"digest": digest(letter), "source": {"configMap": {"name": "model"}}}, "replicas": 2, **fields}


class World:
    """A namespace of its own; pods get the state of their model's digest in `kubelet`, or their image's in `images`."""

    def __init__(self, plane: ControlPlane, *, plays_kubelet: bool = True) -> None:
        """The make-believe kubelet runs until `close`, unless somebody else plays it."""
        self.plane = plane
        self.namespace = f"test-{next(numbers)}"
        plane.request("post", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        self.kubelet: dict[str, str] = {}
        self.images: dict[str, str] = {}
        self.profiles: Mapping[str, Profile] = PROFILES
        self._numbers: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run_kubelet if plays_kubelet else self._stop.wait, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops the kubelet and removes the services: an operator of the whole cluster would look after all of them."""
        self._stop.set()
        self._thread.join(PATIENCE_SECONDS)
        self.plane.request("delete", self.path(PADDLE_SERVICE))

    def path(self, kind: Kind, name: str = "") -> str:
        """Where objects of a kind are."""
        prefix = "/apis" if "/" in kind.api_version else "/api"
        return f"{prefix}/{kind.api_version}/namespaces/{self.namespace}/{kind.plural}/{name}".rstrip("/")

    def get(self, kind: Kind, name: str) -> Object:
        """One object."""
        return self.plane.request("get", self.path(kind, name))

    def every(self, kind: Kind) -> list[Object]:
        """Every object of a kind."""
        items: list[Object] = self.plane.request("get", self.path(kind))["items"]
        return items

    def post(self, kind: Kind, body: Object, name: str = "", query: str = "") -> Object:
        """Creates an object, or what is below `name`."""
        content = {"apiVersion": kind.api_version, "kind": kind.kind, **body}
        return self.plane.request("post", self.path(kind, name) + query, content)

    def patch(self, kind: Kind, name: str, body: Object) -> None:
        """A merge patch."""
        self.plane.request("patch", self.path(kind, name), body, "application/merge-patch+json")

    def delete(self, kind: Kind, name: str, query: str = "") -> None:
        """Deletes an object, its dependants in the background."""
        self.plane.request("delete", self.path(kind, name) + query)

    def create(self, name: str, spec: Object) -> Object:
        """Creates a PaddleService as `kubectl create` does: a misspelt field is an error."""
        return self.post(PADDLE_SERVICE, {"metadata": {"name": name}, "spec": spec}, query="?fieldValidation=Strict")

    def change(self, name: str, **fields: object) -> None:
        """Merges fields into a spec."""
        self.patch(PADDLE_SERVICE, name, {"spec": fields})

    def resource(self, name: str) -> Object:
        """The PaddleService as it is now."""
        return self.get(PADDLE_SERVICE, name)

    def status(self, name: str) -> Object:
        """Its status, empty where nothing was written yet."""
        found: Object = self.resource(name).get("status", {})
        return found

    def condition(self, name: str, kind: str) -> Object:
        """One condition of it."""
        return next((item for item in self.status(name).get("conditions", ()) if item["type"] == kind), {})

    def selected(self, name: str) -> str | None:
        """The revision that a Service selects, None where there is no such Service."""
        found = [item["spec"]["selector"] for item in self.every(SERVICE) if item["metadata"]["name"] == name]
        return found[0][LABEL_REVISION] if found else None

    def deployments(self) -> set[str]:
        """The revisions that have a Deployment."""
        return {item["metadata"]["labels"][LABEL_REVISION] for item in self.every(DEPLOYMENT)}

    def pods(self) -> list[Object]:
        """Every pod of the namespace."""
        return self.every(POD)

    def until(self, what: str, holds: Callable[[], object]) -> None:
        """Waits for it; after the deadline the assertion says what everything looked like."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert self._thread.is_alive(), f"the make-believe kubelet has ended; waiting for: {what}"
            assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:g} s: {what}\n{self.describe()}"
            time.sleep(0.05)

    def healthy(self, name: str) -> str:
        """Waits until the newest spec is Healthy; returns its revision."""

        def settled() -> bool:
            resource = self.resource(name)
            status = resource.get("status", {})
            newest = status.get("observedGeneration") == resource["metadata"]["generation"]
            return bool(newest and status.get("phase") == "Healthy")

        self.until(f"{name} is Healthy", settled)
        revision: str = self.status(name)["stable"]["revision"]
        return revision

    def describe(self) -> str:
        """Everything that matters, for a failed expectation."""
        services = [item.get("status") for item in self.every(PADDLE_SERVICE)]
        pods = [(pod["metadata"]["name"], pod["status"].get("conditions")) for pod in self.pods()]
        return yaml.safe_dump([services, [list(pod) for pod in pods]], width=150)

    def reconciler(
        self,
        wrap: Callable[[RestCluster], Any] = lambda cluster: cluster,
        fetch: Fetch | None = None,
        kubeconfig: Path | None = None,
    ) -> Callable[..., None]:
        """Single passes that read from the API server; `wrap` may spy on or break it, `fetch` answers for pods.

        `kubeconfig` says as whom, an administrator where it is None. A pass is told the name of a PaddleService, and
        how far `ahead` of the clock it is.
        """
        configuration = client.Configuration()
        config.load_kube_config(
            config_file=str(kubeconfig or self.plane.kubeconfig), client_configuration=configuration
        )  # type: ignore[no-untyped-call]
        cluster = wrap(RestCluster(configuration, connections=2, recorder=Unrecorded()))
        reports, sampler = Reports(fetch or no_report), Sampler(fetch or no_report)
        observer, tally = Observer(reports, sampler, Audits(fetch or no_report)), Tally(Unrecorded())
        made = Reconciler(cluster, Mirror(time.monotonic), self.settings(), observer, tally)

        def once(name: str, ahead: timedelta = timedelta()) -> None:
            now = datetime.now(UTC).replace(microsecond=0) + ahead
            made.reconcile(Key(self.namespace, name), now, Budget(time.monotonic, PASS_SECONDS))

        return once

    def settings(self) -> Settings:
        """What an operator of this namespace is told."""
        return Settings(self.profiles, (self.namespace,), workers=1, log_level="INFO")

    @contextmanager
    def operator(
        self,
        folder: Path,
        namespaces: str | None = None,
        kubeconfig: Path | None = None,
        settings: Mapping[str, str] | None = None,
        image: str = "runtime:1",
    ) -> Iterator[subprocess.Popen[bytes]]:
        """The operator as a process, for this namespace only, as an administrator; killed at the end.

        `settings` are further variables of its environment, or other values. `image` is that of its
        runtime profile.
        """
        folder.mkdir(parents=True, exist_ok=True)
        profiles = folder / "profiles.yaml"
        cpu = {
            "image": image,
            "resources": {"limits": {"cpu": "2", "memory": "2Gi"}, "requests": {"cpu": "500m"}},
        }
        profiles.write_text(yaml.safe_dump({"cpu": cpu}), encoding="utf-8")
        (port,) = free_ports(1)
        environment = {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(kubeconfig or self.plane.kubeconfig),
            "PROFILES_FILE": str(profiles),
            "WATCH_NAMESPACES": self.namespace if namespaces is None else namespaces,
            "LIVENESS_ENDPOINT": f"http://127.0.0.1:{port}/healthz",
            **(settings or {}),
        }
        with (folder / f"operator-{port}.log").open("wb") as log:
            command = [sys.executable, "-m", "paddle_serving_operator"]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def _run_kubelet(self) -> None:
        while not self._stop.wait(0.05):
            for pod in self.pods():
                self._play(pod)

    def _number(self, uid: str) -> int:
        """A number of its own for every pod, which ends its address."""
        return self._numbers.setdefault(uid, len(self._numbers) % 254 + 1)

    def _play(self, pod: Object) -> None:
        """What a kubelet does: takes the pod, runs it as `kubelet` says, and lets it go when it is told to end.

        A pod whose state is "never ends" is not let go.
        """
        name, metadata = pod["metadata"]["name"], pod["metadata"]
        container = pod["spec"]["containers"][0]
        digest_of_model = container["args"][container["args"].index("--digest") + 1]
        state = self.images.get(container["image"], self.kubelet.get(digest_of_model, ""))
        try:
            if "deletionTimestamp" in metadata and state != "never ends":
                self.delete(POD, name, "?gracePeriodSeconds=0")
            elif "nodeName" not in pod["spec"]:
                target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
                self.post(BINDING, {"metadata": {"name": name}, "target": target}, f"{name}/binding")
            elif state not in {"", "never ends"} and metadata.get("annotations", {}).get("played") != state:
                self.patch(POD, f"{name}/status", {"status": pod_status(state, self._number(metadata["uid"]))})
                self.patch(POD, name, {"metadata": {"annotations": {"played": state}}})
        except RefusedError as error:
            if error.status not in {404, 409}:  # a pod that is gone meanwhile needs nothing
                raise


def no_report(url: str, body: Mapping[str, object] | None = None) -> bytes:
    del body
    raise OSError(f"no pod answers at {url}")


def pod_status(state: str, number: int) -> Object:
    """The status that a kubelet would write: "ready", or the termination message of a crashing serving container."""
    ready = state == "ready"
    conditions = [{"type": kind, "status": str(ready)} for kind in ("Ready", "ContainersReady")]
    fetched = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    ended = {"terminated": {"exitCode": 3, "reason": "Error", "message": state}}
    serve = {"name": "serve", "ready": ready, "started": ready, "restartCount": 0, "image": "i", "imageID": "i"}
    fetch = {"name": "fetch", "ready": True, "restartCount": 0, "image": "i", "imageID": "i", "state": fetched}
    return {
        "phase": "Running",
        "podIP": f"192.0.2.{number}",
        "podIPs": [{"ip": f"192.0.2.{number}"}],
        "conditions": conditions,
        "initContainerStatuses": [fetch],
        "containerStatuses": [serve | {"state": {"running": {}} if ready else ended}],
    }
