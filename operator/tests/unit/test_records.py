"""The ControllerRevision of a revision: what is written, and what is read again."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

import pytest
from kubernetes import client

from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.constants import ANNOTATION_SPEC, Manifest
from paddle_serving_operator.desired import objects
from paddle_serving_operator.desired.revision import Revision, parse_revision, revision_of
from paddle_serving_operator.settings import Profile


class Golden(Protocol):
    def check(self, name: str, manifest: Manifest) -> None: ...


MakeSpec = Callable[..., ServiceSpec]
Profiles = Mapping[str, Profile]


def revision(spec: ServiceSpec, profiles: Profiles) -> Revision:
    return revision_of("ocr", spec, profiles[spec.runtime])


def test_controller_revision(golden: Golden, make_spec: MakeSpec, profiles: Profiles) -> None:
    record = objects.controller_revision("ocr", revision(make_spec(), profiles), 7)
    golden.check("controller-revision.yaml", record)
    client.V1ControllerRevision.model_validate(record)


def test_a_record_that_is_not_what_its_name_says_is_not_used(make_spec: MakeSpec, profiles: Profiles) -> None:
    made = revision(make_spec(), profiles)
    record = objects.controller_revision("ocr", made, 1)
    assert parse_revision("0" * 10, record) is None
    assert parse_revision(made.name, record | {"data": None}) is None


WRITTEN = {"runtime": "cpu", "model": {"name": "ocr"}}


def test_an_older_operator_knows_every_field_of_a_records_data(make_spec: MakeSpec, profiles: Profiles) -> None:
    """It writes the record again after a rollback, and no field of the data may be missing then."""
    record = objects.controller_revision("ocr", replace(revision(make_spec(), profiles), spec=WRITTEN), 1)
    assert set(record["data"]) == {"template", "modelDigest", "image"}
    assert json.loads(record["metadata"]["annotations"][ANNOTATION_SPEC]) == WRITTEN


@pytest.mark.parametrize("annotation", [None, "", "no JSON", "3"])
def test_a_record_that_an_older_operator_wrote_does_not_say_what_made_it(
    make_spec: MakeSpec, profiles: Profiles, annotation: str | None
) -> None:
    made = replace(revision(make_spec(), profiles), spec=WRITTEN)
    record = objects.controller_revision("ocr", made, 1)
    record["metadata"]["annotations"] = {} if annotation is None else {ANNOTATION_SPEC: annotation}
    assert parse_revision(made.name, record) == replace(made, spec=None)


def test_a_record_with_the_spec_in_its_data_stays_byte_for_byte(make_spec: MakeSpec, profiles: Profiles) -> None:
    """Some versions wrote it there, and the API server refuses every change."""
    made = replace(revision(make_spec(), profiles), spec=WRITTEN)
    record = objects.controller_revision("ocr", made, 1)
    del record["metadata"]["annotations"]
    record["data"]["spec"] = made.spec
    again = parse_revision(made.name, record)
    assert again is not None
    assert (again.spec, objects.controller_revision("ocr", again, 1)) == (made.spec, record)
