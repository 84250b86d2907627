"""The model store of a session: one pod that makes every variant of the example packages and serves it over HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.lib import defects
from e2e.lib import model as variants
from e2e.lib.pods import LABEL, PYTHON, SCRATCH, SCRIPTS, Pod, config_map, image

if TYPE_CHECKING:
    from e2e.lib.cluster import Namespace, Object
    from e2e.lib.model import Variant

NAME = "models"
READY_SECONDS = 300.0
UNKNOWN_DIGEST = "sha256:" + "0" * 64


@dataclass(frozen=True, slots=True)
class Model:
    """What goes into spec.model: where a package is, and its digest."""

    service: str
    source: Object
    digest: str

    def with_digest(self, digest: str) -> Model:
        """The same place, another digest."""
        return Model(self.service, self.source, digest)

    def with_source(self, source: Object) -> Model:
        """The same digest, another place."""
        return Model(self.service, source, self.digest)

    def spec(self) -> Object:
        """The fields of spec.model."""
        return {"source": self.source, "digest": self.digest}


class ModelStore:
    """Models by service and variant; made once for a session."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._start()
        text = namespace.exec(NAME, "cat", f"{SCRATCH}/store/{variants.INDEX}")
        self._index: Object = json.loads(text)

    def _start(self) -> None:
        program = Path(variants.__file__)
        pod = Pod(
            NAME,
            [
                "sh",
                "-c",
                f"mkdir -p {SCRATCH}/store && exec {PYTHON} {SCRIPTS}/{program.name} {SCRATCH} {SCRATCH}/store",
            ],
            scripts="variants",
            models={service: image(f"paddle-serving-example-{service}") for service in variants.VARIANTS},
            readiness={"httpGet": {"path": f"/{variants.INDEX}", "port": variants.PORT}, "periodSeconds": 1},
        )
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME},
            "spec": {"selector": {LABEL: NAME}, "ports": [{"port": 80, "targetPort": variants.PORT}]},
        }
        files = [program, Path(defects.__file__)]
        texts = {file.name: file.read_text(encoding="utf-8") for file in files}
        self._namespace.apply(config_map("variants", texts), pod.manifest(), service)
        self._namespace.pod_is_running(NAME, within=READY_SECONDS)

    def model(self, service: str, variant: Variant = variants.published) -> Model:
        """The variant as an archive behind HTTP."""
        entry = self._index[service][variant.__name__]
        url = f"http://{NAME}.{self._namespace.name}.svc.cluster.local/{entry['archive']}"
        return Model(service, {"http": {"url": url}}, entry["digest"])

    def files(self, service: str, variant: Variant = variants.published) -> dict[str, str]:
        """The contents of a small package, base64 by path."""
        found: dict[str, str] = self._index[service][variant.__name__]["files"]
        return found
