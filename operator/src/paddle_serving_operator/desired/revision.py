"""A revision: everything that changes the pod, under a name that follows from it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paddle_serving_operator.api.fields import SpecError
from paddle_serving_operator.api.parse import parse_spec
from paddle_serving_operator.api.records import has_spec_in_data, recorded_spec
from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.constants import ANNOTATION_SPEC, REVISION_FIELDS, Key, Manifest
from paddle_serving_operator.desired import names
from paddle_serving_operator.desired.pod import pod_template
from paddle_serving_operator.settings import Profile


@dataclass(frozen=True, slots=True)
class Revision:
    """`name` is the start of the sha256 of `template`'s canonical JSON. `template` has no revision label.

    `spec`: the fields of the PaddleService that made it, as they were written; None in records of older versions.
    `spec_in_data`: a version between wrote them into its record's data, which may not change any more.
    """

    name: str
    template: Manifest
    model_digest: str
    image: str
    spec: Manifest | None = None
    spec_in_data: bool = False


def revision_of(name: str, spec: ServiceSpec, profile: Profile, written: Manifest | None = None) -> Revision:
    """The revision that a spec asks for. Equal pods, equal revisions: replicas and rollout play no part.

    `written` is the spec as the user wrote it, of which the record keeps what makes the pods.
    """
    template = pod_template(name, spec, profile)
    return Revision(
        name=content_hash(template),
        template=template,
        model_digest=spec.model.digest,
        image=spec.image or profile.image,
        spec={field: written[field] for field in REVISION_FIELDS if field in written} if written is not None else None,
    )


def is_profiles(key: Key, before: Revision, goal: Revision, runtime: str, profile: Profile) -> bool:
    """Whether a revision follows another one although no spec asked for it: its profile, or the operator, changed.

    That is so where the spec which made the one makes the other today. `runtime` is the name of the profile. A record
    that does not say what spec made it counts as another spec.
    """
    if before.spec is None or before.name == goal.name:
        return False
    try:
        spec = parse_spec(key, before.spec)
    except SpecError:
        return False
    return spec.runtime == runtime and revision_of(key.name, spec, profile).name == goal.name


def content_hash(content: object) -> str:
    """The first 10 hex digits of the sha256 of canonical JSON (sorted keys, no spaces)."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()[: names.HASH_DIGITS]


def canonical_json(content: object) -> str:
    """The same text for equal contents: sorted keys, no spaces, ASCII."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def dump_revision(revision: Revision) -> Manifest:
    """The data of the revision's ControllerRevision: enough to build its Deployment again later.

    It has these fields and no others. After a rollback an older operator writes the record again with the fields that
    it knows, and the API server refuses every change of a record's data: that operator could do nothing any more.
    """
    data = {"template": revision.template, "modelDigest": revision.model_digest, "image": revision.image}
    return data | ({"spec": revision.spec} if revision.spec_in_data else {})


def spec_annotation(revision: Revision) -> dict[str, str]:
    """What else its ControllerRevision says; an older operator may take it away."""
    if revision.spec is None or revision.spec_in_data:
        return {}
    return {ANNOTATION_SPEC: canonical_json(revision.spec)}


def parse_revision(name: str, record: Mapping[str, Any]) -> Revision | None:
    """The revision out of a ControllerRevision; None where its data is not what its name says."""
    data = record.get("data")
    if not isinstance(data, Mapping):
        return None
    template: Any = data.get("template")
    if content_hash(template) != name:
        return None
    return Revision(
        name=name,
        template=template,
        model_digest=str(data.get("modelDigest", "")),
        image=str(data.get("image", "")),
        spec=recorded_spec(record),
        spec_in_data=has_spec_in_data(record),
    )
