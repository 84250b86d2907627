"""What cannot work ends in a condition that names the cause, and leaves alone what works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.lib.cluster import ROOT, CommandFailed
from e2e.lib.defects import params_truncated
from e2e.lib.given import example
from e2e.lib.model import golden_missing, web_service_broken
from e2e.lib.store import UNKNOWN_DIGEST
from e2e.lib.wait import minutes

if TYPE_CHECKING:
    from e2e.lib.given import Given

pytestmark = pytest.mark.e2e


def test_a_wrong_digest_is_named_with_the_digest_found_and_the_stable_revision_keeps_answering(given: Given) -> None:
    right = given.model("uci-housing")
    service = given.service("uci-housing", model=right).is_healthy()
    answer = service.when.asked("house.json")

    with service.under_load("house.json", requests_per_second=10) as load:
        service.when.model_is_replaced_by(right.with_digest(UNKNOWN_DIGEST))
        service.then.fails("DigestMismatch", says=(UNKNOWN_DIGEST, right.digest), within=minutes(1))
        service.then.fails("DigestMismatch", condition="ModelAvailable", says=(UNKNOWN_DIGEST, right.digest), within=60)
        service.then.phase_becomes("Failed", within=60)
        load.sends(30, within=60)
        service.when.model_is_replaced_by(right)
        service.is_healthy(within=minutes(1))

    load.saw_only({answer})


def test_a_missing_claim_is_named_and_the_rollout_goes_on_when_it_is_made(given: Given) -> None:
    model = given.model("uci-housing").with_source({"pvc": {"claimName": "models"}})
    service = given.service("uci-housing", model=model, rollout={"progressDeadline": "10s"})
    service.then.fails("VolumeMissing", condition="ModelAvailable", says=('"models"',), within=minutes(1))
    service.then.fails("ProgressDeadlineExceeded", says=('"models"', "10 s"), within=minutes(1))

    given.claim_with("uci-housing", claim="models", folder=".")
    service.is_healthy(though_failed=True)


def test_a_broken_web_service_is_named_with_file_and_line(given: Given) -> None:
    service = given.service("ocr-rec", model=given.model("ocr-rec", web_service_broken))
    says = ("web_service.py:15", "load_charcters", "NameError")
    service.then.fails("ServiceBroken", says=says, within=minutes(2))
    service.then.condition_becomes("Ready", "False", "ServiceBroken", within=60)


def test_cut_off_parameters_are_named_by_their_file(given: Given) -> None:
    service = given.service("ocr-rec", model=given.model("ocr-rec", params_truncated))
    service.then.fails("ModelInvalid", says=("inference.pdiparams",), within=minutes(2))
    service.then.fails("ModelInvalid", condition="ModelAvailable", says=("inference.pdiparams",), within=60)


def test_a_package_without_golden_samples_is_not_served_unless_the_spec_allows_it(given: Given) -> None:
    service = given.service("ocr-rec", model=given.model("ocr-rec", golden_missing))
    service.then.fails("NotVerifiable", condition="Consistent", says=("golden",), within=minutes(2))

    service.when.spec_is_changed(consistency={"required": False})
    service.is_healthy()
    service.then.condition_becomes("Consistent", "Unknown", "NotRequired", within=60)


def test_an_archive_that_is_not_there_is_named_by_its_address(given: Given) -> None:
    model = given.model("uci-housing")
    url = model.source["http"]["url"].replace("published", "no-such-archive")
    service = given.service("uci-housing", model=model.with_source({"http": {"url": url}}))
    service.then.fails("ModelUnavailable", condition="ModelAvailable", says=(url, "404"), within=minutes(1))


def test_an_unknown_runtime_profile_lists_the_profiles_there_are(given: Given) -> None:
    service = given.service("uci-housing", runtime="tpu")
    service.then.phase_becomes("Invalid", within=60)
    service.then.fails("UnknownRuntime", says=("tpu", "cpu", "gpu"), within=60)


def test_a_misspelt_field_is_refused_with_its_name(given: Given) -> None:
    resource = example("uci-housing")
    resource["spec"]["replica"] = resource["spec"].pop("replicas")
    with pytest.raises(CommandFailed) as refused:
        given.namespace.apply(resource)
    assert 'unknown field "spec.replica"' in refused.value.stderr


def test_two_sources_are_refused_with_a_sentence(given: Given) -> None:
    resource = example("uci-housing")
    resource["spec"]["model"]["source"]["pvc"] = {"claimName": "models"}
    with pytest.raises(CommandFailed) as refused:
        given.namespace.apply(resource)
    assert "spec.model.source needs exactly one of pvc, http, s3, gcs, oss, image, configMap" in refused.value.stderr


def test_a_misspelt_value_of_a_chart_is_refused_with_its_name(given: Given) -> None:
    chart, values = ROOT / "charts" / "paddle-serving", ROOT / "examples" / "ocr-rec-values.yaml"
    with pytest.raises(CommandFailed) as refused:
        given.namespace.helm("install", "ocr", str(chart), "-f", str(values), "--set", "replica=2")
    assert "replica" in refused.value.stderr
    assert "not allowed" in refused.value.stderr
    assert given.namespace.helm("list", "--short") == ""
