"""A revision: everything that changes the pod, under a name that follows from it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.constants import Manifest
from paddle_serving_operator.desired import names
from paddle_serving_operator.desired.pod import pod_template
from paddle_serving_operator.settings import Profile


@dataclass(frozen=True, slots=True)
class Revision:
    """`name` is the start of the sha256 of `template`'s canonical JSON. `template` has no revision label."""

    name: str
    template: Manifest
    model_digest: str
    image: str


def revision_of(name: str, spec: ServiceSpec, profile: Profile) -> Revision:
    """The revision that a spec asks for. Equal pods, equal revisions: replicas and rollout play no part."""
    template = pod_template(name, spec, profile)
    return Revision(
        name=content_hash(template),
        template=template,
        model_digest=spec.model.digest,
        image=spec.image or profile.image,
    )


def content_hash(content: object) -> str:
    """The first 10 hex digits of the sha256 of canonical JSON (sorted keys, no spaces)."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[: names.HASH_DIGITS]


def dump_revision(revision: Revision) -> Manifest:
    """The data of the revision's ControllerRevision: enough to build its Deployment again later."""
    return {"template": revision.template, "modelDigest": revision.model_digest, "image": revision.image}


def parse_revision(name: str, data: object) -> Revision | None:
    """The revision out of a ControllerRevision's data; None where the data is not what its name says."""
    if not isinstance(data, Mapping):
        return None
    template: Any = data.get("template")
    if content_hash(template) != name:
        return None
    return Revision(
        name=name, template=template, model_digest=str(data.get("modelDigest", "")), image=str(data.get("image", ""))
    )
