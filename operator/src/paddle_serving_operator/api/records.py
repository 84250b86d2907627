"""What the ControllerRevision of a revision says of the PaddleService that made it."""

import json
from collections.abc import Mapping
from typing import Any

from paddle_serving_operator.constants import ANNOTATION_SPEC, Manifest


def has_spec_in_data(record: Mapping[str, Any]) -> bool:
    """Whether one of the versions that wrote the spec into the record's data made it."""
    data = record.get("data")
    return isinstance(data, Mapping) and isinstance(data.get("spec"), Mapping)


def recorded_spec(record: Mapping[str, Any]) -> Manifest | None:
    """The fields below spec that made the revision, as they were written; None where the record does not say."""
    if has_spec_in_data(record):
        return dict(record["data"]["spec"])
    metadata = record.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    text = annotations.get(ANNOTATION_SPEC) if isinstance(annotations, Mapping) else None
    try:
        spec = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return spec if isinstance(spec, dict) else None
