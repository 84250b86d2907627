"""Manifests of the pods that tests bring along: all meet the Pod Security Standard `restricted`, none takes much."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from images.catalogue import read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from e2e.lib.cluster import Object

LABEL = "e2e.paddle-serving"
SCRIPTS = "/scripts"
SCRATCH = "/scratch"
PYTHON = "python3"
COPY = "mkdir -p {0} && cp -R /model/. {0}/"


def image(name: str) -> str:
    """Reference of an image of images/images.yaml."""
    return read()[name].reference


RUNTIME = image("paddle-serving-runtime")


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod that runs `command` in the runtime image, after the init containers.

    `scripts` is the name of a ConfigMap mounted at /scripts, `models` the model image whose files `cp` brings to
    /scratch/<folder>, by folder. /scratch is an empty directory that all containers share.
    """

    name: str
    command: Sequence[str]
    scripts: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    readiness: Object | None = None
    claim: str = ""
    memory: str = "1Gi"

    def manifest(self) -> Object:
        """The pod as it is applied."""
        main = self._container("main", RUNTIME, self.command) | {
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": self.memory}}
        }
        if self.readiness:
            main["readinessProbe"] = self.readiness
        copies = [
            self._container(f"model-{number}", reference, ["sh", "-c", COPY.format(f"{SCRATCH}/{folder}")])
            for number, (folder, reference) in enumerate(self.models.items())
        ]
        spec = {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "fsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "initContainers": copies,
            "containers": [main],
            "volumes": self._volumes(),
        }
        metadata = {"name": self.name, "labels": {LABEL: self.name}}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    def _volumes(self) -> list[Object]:
        scratch: Object = {"persistentVolumeClaim": {"claimName": self.claim}} if self.claim else {"emptyDir": {}}
        volumes: list[Object] = [{"name": "scratch", **scratch}, {"name": "tmp", "emptyDir": {}}]
        return [*volumes, {"name": "scripts", "configMap": {"name": self.scripts}}] if self.scripts else volumes

    def _container(self, name: str, image_reference: str, command: Sequence[str]) -> Object:
        mounts = [{"name": "scratch", "mountPath": SCRATCH}, {"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
        if self.scripts:
            mounts.append({"name": "scripts", "mountPath": SCRIPTS})
        return {
            "name": name,
            "image": image_reference,
            "imagePullPolicy": "IfNotPresent",
            "command": [*command],
            "volumeMounts": mounts,
            "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "1", "memory": "128Mi"}},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
        }


def config_map(name: str, files: Mapping[str, str]) -> Object:
    """A ConfigMap with the files' texts by name."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(files)}
