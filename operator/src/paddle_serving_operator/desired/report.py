"""The ConfigMap with what a revision proved: the report as its pod wrote it, byte for byte."""

from collections.abc import Mapping

from paddle_serving_operator.constants import ANNOTATION_APPLIED, CONFIG_MAP, Kind, Manifest
from paddle_serving_operator.desired import names
from paddle_serving_operator.desired.revision import content_hash

REPORT = "report.json"
MAX_BYTES = 900_000
"""Of the mebibyte that the API server stores at most, the rest is for metadata."""


def report(name: str, revision: str, body: bytes) -> Manifest | None:
    """None where the report is too large, or no text."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if len(body) > MAX_BYTES:
        return None
    metadata = {"name": names.report(name, revision), "labels": names.revision_labels(name, revision)}
    return {"apiVersion": CONFIG_MAP.api_version, "kind": CONFIG_MAP.kind, "metadata": metadata, "data": {REPORT: text}}


def is_intact(name: str, revision: str, live: Manifest) -> bool:
    """Whether a ConfigMap still says what the operator wrote: the hash of what was applied tells."""
    text = (live.get("data") or {}).get(REPORT)
    written = report(name, revision, text.encode()) if isinstance(text, str) else None
    return written is not None and live["metadata"].get("annotations", {}).get(ANNOTATION_APPLIED) == content_hash(
        written
    )


def reports(
    name: str, revisions: Mapping[str, bytes | None], exist: Mapping[tuple[Kind, str], Manifest]
) -> tuple[list[tuple[Kind, Manifest]], frozenset[tuple[Kind, str]]]:
    """The ConfigMaps to apply, and those to keep.

    `revisions`: every revision whose report is kept, with the report where it is known. `exist`: what there is. Where
    the report is not known any more, one that exists is kept as long as it says what was written.
    """
    made = [(CONFIG_MAP, found) for one, body in revisions.items() if body and (found := report(name, one, body))]
    known = {(CONFIG_MAP, manifest["metadata"]["name"]) for _, manifest in made}
    places = {one: (CONFIG_MAP, names.report(name, one)) for one in revisions}
    left = {place for one, place in places.items() if place in exist and is_intact(name, one, exist[place])}
    return made, frozenset(known | left)
