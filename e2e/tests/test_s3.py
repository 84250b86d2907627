"""A package arrives from an S3-compatible store, with keys that only the fetching container sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.lib.pods import PYTHON
from e2e.lib.s3 import SECRET_KEY, S3Store
from e2e.lib.wait import minutes

if TYPE_CHECKING:
    from e2e.lib.given import Given

pytestmark = pytest.mark.e2e


def test_a_package_of_a_store_is_fetched_with_the_keys_of_a_secret(given: Given) -> None:
    store = S3Store(given.namespace).start("uci-housing")
    store.keys_are("reader")
    model = given.model("uci-housing").with_source(store.source("uci-housing", "reader"))
    service = given.service("uci-housing", model=model).is_healthy()
    assert '"price"' in service.when.asked("house.json")

    (pod,) = service.pods(service.revision)
    assert SECRET_KEY not in str(pod)
    names = "import os; print(sorted(os.environ))"
    environment = given.namespace.exec(pod["metadata"]["name"], PYTHON, "-c", names, container="serve")
    assert "AWS_" not in environment, "the serving container sees the keys of the store"


def test_a_missing_secret_is_named(given: Given) -> None:
    source = S3Store(given.namespace).source("uci-housing", "reader")
    service = given.service("uci-housing", model=given.model("uci-housing").with_source(source))
    says = ('secret "reader" not found', "credentialsSecret in spec.model.source")
    service.then.fails("ModelUnavailable", condition="ModelAvailable", says=says, within=minutes(1))


def test_keys_that_the_store_refuses_are_named_and_right_ones_mend_it(given: Given) -> None:
    store = S3Store(given.namespace).start("uci-housing")
    store.keys_are("reader", secret_key="another")  # noqa: S106 - a wrong one
    model = given.model("uci-housing").with_source(store.source("uci-housing", "reader"))
    service = given.service("uci-housing", model=model)
    says = ("SignatureDoesNotMatch", "spec.model.source.s3.credentialsSecret")
    service.then.fails("ModelUnavailable", condition="ModelAvailable", says=says, within=minutes(1))

    store.keys_are("reader")
    service.is_healthy(though_failed=True)
