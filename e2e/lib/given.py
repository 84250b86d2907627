"""What a test starts from."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from e2e.lib.cluster import ROOT
from e2e.lib.model import published
from e2e.lib.pods import Pod, image
from e2e.lib.service import Service
from e2e.lib.store import Model, ModelStore
from e2e.lib.wait import minutes

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.lib.cluster import Namespace, Object
    from e2e.lib.model import Variant

EXAMPLES = ROOT / "examples"


def example(name: str) -> Object:
    """The custom resource of examples/<name>.yaml."""
    resource: Object = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
    return resource


@dataclass(frozen=True, slots=True)
class Given:
    """One test's namespace, and the session's model store (made when it is first asked for)."""

    namespace: Namespace
    store: Callable[[], ModelStore]

    def model(self, service: str, variant: Variant = published) -> Model:
        """A variant of an example's package, served by the session's store."""
        return self.store().model(service, variant)

    def service(self, example_name: str, *, name: str = "", model: Model | None = None, **spec: object) -> Service:
        """Applies the example's custom resource, with another name, model or other fields of the spec."""
        resource = copy.deepcopy(example(example_name))
        resource["metadata"]["name"] = name or example_name
        resource["spec"] |= spec
        if model:
            resource["spec"]["model"] = {"name": example_name, **model.spec()}
        service = Service(self.namespace, resource, example_name)
        service.apply()
        return service

    def claim(self, name: str) -> None:
        """Makes an empty claim of the cluster's default StorageClass."""
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}}
        self.namespace.apply(
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}
        )

    def claim_with(self, service: str, *, claim: str, folder: str) -> None:
        """Makes a claim of the cluster's default StorageClass and copies an example's package into a folder of it."""
        self.claim(claim)
        models = {folder: image(f"paddle-serving-example-{service}")}
        filler = Pod(f"fill-{claim}", ["sync"], models=models, claim=claim)
        self.namespace.apply(filler.manifest())
        self.namespace.pod_succeeds(filler.name, within=minutes(2))
