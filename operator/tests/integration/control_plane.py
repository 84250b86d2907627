"""etcd, kube-apiserver and kube-controller-manager as processes on loopback: a real cluster without nodes."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import requests
import yaml

from e2e.ports import free_ports

Object: TypeAlias = dict[str, Any]

CRD = Path(__file__).parents[3] / "charts/paddle-serving-operator/files/crds/paddleservices.yaml"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager")
CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "endpointslice-controller",
    "serviceaccount-controller",
    "garbage-collector-controller",
    "disruption-controller",
)
NODE = "node-1"  # nobody lives there; pods need it to be endpoints
TOKEN = "integration-tests"  # noqa: S105 - of a server that lives for one test session on loopback
RESTRICTED = "operator"  # a user, and its token, that has the rights that a test gives it
START_SECONDS = 240.0


def find_program(name: str) -> Path:
    """The program in the cache of e2e/kind or on PATH. Raises FileNotFoundError that says what to run."""
    chosen = os.environ.get("PADDLE_SERVING_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cached = (Path(chosen) if chosen else Path(base) / "paddle-serving") / "kind/bin" / name
    found = cached if cached.exists() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is neither in {cached.parent} nor on PATH. Run `make cluster-tools` once.")
    return Path(found)


class ControlPlane:
    """Three processes, and more that `run` starts; stopped by `stop`, which never fails."""

    def __init__(self, folder: Path, more: Sequence[str] = ()) -> None:
        """Finds the programs, `more` too, before it starts any. `folder` takes data, certificates and logs."""
        self.folder = folder
        self._programs = {name: find_program(name) for name in (*PROGRAMS, *more)}
        self._processes: list[subprocess.Popen[bytes]] = []
        self.pids: dict[str, int] = {}  # of the processes, by program
        self._local = threading.local()  # a connection for each thread; a handshake costs more than a request
        api_server, *self._ports = free_ports(4)
        self.url = f"https://127.0.0.1:{api_server}"
        self.kubeconfig = folder / "kubeconfig"
        self.restricted = folder / "kubeconfig-restricted"
        self.certificate = folder / "certificates/apiserver.crt"

    def start(self, controllers: Sequence[str] = (), api_server: Sequence[str] = (), definition: Path = CRD) -> None:
        """Returns once the API server is ready and knows PaddleService. Raises TimeoutError with the end of a log.

        `controllers` and `api_server` are more flags of these two, `definition` is the file that defines PaddleService.
        """
        self._write_files()
        etcd = self._start_etcd()
        self._start_api_server(etcd, api_server)
        self._wait("kube-apiserver", lambda: self._get("/readyz").ok)
        self._start_controllers(controllers)
        crd = yaml.safe_load(definition.read_text(encoding="utf-8"))
        self.request("post", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
        self.request("post", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}})
        group = f"/apis/{crd['spec']['group']}/{crd['spec']['versions'][0]['name']}"
        self._wait(
            "kube-apiserver", lambda: self._get(group).ok and self._get(f"{group}/{crd['spec']['names']['plural']}").ok
        )

    def stop(self) -> None:
        """Ends the processes, the youngest first."""
        for process in reversed(self._processes):
            process.kill()
            process.wait()

    def run(self, name: str, arguments: Sequence[str]) -> None:
        """Starts a program, its output into a log of its name."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen([str(self._programs[name]), *arguments], stdout=log, stderr=log, cwd=self.folder)
        self._processes.append(process)
        self.pids[name] = process.pid

    @contextmanager
    def controllers_paused(self) -> Iterator[None]:
        """No Deployment, endpoint or dependant changes in this time."""
        controllers = self._processes[PROGRAMS.index("kube-controller-manager")]
        controllers.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            controllers.send_signal(signal.SIGCONT)

    def _write_files(self) -> None:
        users = f'{TOKEN},admin,admin,"system:masters"\n{RESTRICTED},{RESTRICTED},{RESTRICTED}\n'
        (self.folder / "tokens.csv").write_text(users, encoding="utf-8")
        key = self.folder / "service-account.key"
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        self._write_kubeconfig(self.kubeconfig, TOKEN)
        self._write_kubeconfig(self.restricted, RESTRICTED)

    def _write_kubeconfig(self, path: Path, token: str) -> None:
        cluster = {"server": self.url, "certificate-authority": str(self.certificate)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user"}}],
        }
        path.write_text(yaml.safe_dump(content), encoding="utf-8")

    def _start_etcd(self) -> str:
        client, peer = (f"http://127.0.0.1:{port}" for port in self._ports[:2])
        data = str(self.folder / "etcd")
        urls = ["--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer]
        self.run("etcd", [*urls, "--data-dir", data, "--unsafe-no-fsync", "--log-level", "error"])
        return client

    def _start_api_server(self, etcd: str, more: Sequence[str]) -> None:
        key = str(self.folder / "service-account.key")
        arguments = {
            "etcd-servers": etcd,
            "bind-address": "127.0.0.1",
            "secure-port": self.url.rpartition(":")[2],
            "cert-dir": str(self.certificate.parent),
            "token-auth-file": str(self.folder / "tokens.csv"),
            "authorization-mode": "RBAC",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": key,
            "service-account-signing-key-file": key,
            "service-cluster-ip-range": "10.0.0.0/16",
            # it marks a new node as not ready, and the controller that takes the mark away does not run
            "disable-admission-plugins": "TaintNodesByCondition",
            # some clusters have it: who makes an object that blocks its owner's end needs a right for that
            "enable-admission-plugins": "OwnerReferencesPermissionEnforcement",
        }
        self.run("kube-apiserver", [*(f"--{name}={value}" for name, value in arguments.items()), *more])

    def _start_controllers(self, more: Sequence[str]) -> None:
        self.run(
            "kube-controller-manager",
            [
                f"--kubeconfig={self.kubeconfig}",
                f"--controllers={','.join(CONTROLLERS)}",
                "--leader-elect=false",
                f"--secure-port={self._ports[2]}",
                f"--cert-dir={self.folder / 'controllers'}",
                *more,
            ],
        )

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if ready():
                    return
            except (requests.ConnectionError, OSError):
                pass
            if time.monotonic() > deadline:
                end = (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]
                raise TimeoutError(f"{name} is not ready after {START_SECONDS:.0f} s. The end of its log:\n{end}")
            time.sleep(0.1)

    def _get(self, path: str) -> requests.Response:
        return requests.get(
            self.url + path, headers=self._headers(), verify=str(self.certificate), timeout=START_SECONDS
        )

    def request(self, verb: str, path: str, body: object = None, content_type: str = "application/json") -> Object:
        """The API server's answer. Raises Refused for an error."""
        answer = self._session().request(
            verb,
            self.url + path,
            data=None if body is None else json.dumps(body),
            headers=self._headers() | {"Content-Type": content_type},
            verify=str(self.certificate),
            timeout=START_SECONDS,
        )
        content: Object = answer.json()
        if not answer.ok:
            raise RefusedError(answer.status_code, content.get("message", answer.text))
        return content

    def table(self, path: str) -> Object:
        """An object as kubectl prints it: columnDefinitions, and rows of cells."""
        accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
        headers = self._headers() | accept
        answer = self._session().get(
            self.url + path, headers=headers, verify=str(self.certificate), timeout=START_SECONDS
        )
        answer.raise_for_status()
        content: Object = answer.json()
        return content

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        session: requests.Session = self._local.session
        return session

    @staticmethod
    def _headers() -> dict[str, str]:
        return {"Authorization": f"Bearer {TOKEN}"}


class RefusedError(Exception):
    """The API server refused a request; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
