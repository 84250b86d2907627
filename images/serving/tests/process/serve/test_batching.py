"""Requests that come at the same time share runs of the model, through front, worker and engine."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from images.serving.tests.services import ROW as X

METRIC = "paddle_serving_batch_size"


def body(factor: float, **extra: str) -> dict[str, Any]:
    fields = {"x": ",".join(str(number * factor) for number in X), **extra}
    return {"key": list(fields), "value": list(fields.values())}


def test_concurrent_requests_share_runs_and_each_gets_its_own_answer(
    make_package: Callable[..., Path], serve: Callable[..., Any]
) -> None:
    overrides = ("op.price.batch_size=4", "op.price.auto_batching_timeout=100")
    serving = serve(make_package(), "--workers", "1", "--overrides", *overrides).wait_ready()
    factors = [number / 8 for number in range(16)]

    def ask(factor: float, **extra: str) -> Any:  # noqa: ANN401 - requests.Response
        return serving.post(body(factor, **extra))

    # no more than share a run: all of them have to reach the worker together
    with ThreadPoolExecutor(4) as clients:
        alone = [float(ask(factor).json()["value"][0].strip("[]")) for factor in factors]
        for _ in range(2):  # the first shared run is checked against single ones
            bad = [clients.submit(ask, 1, fail="yes") for _ in range(4)]
            together = list(clients.map(ask, factors))
    assert [answer.status_code for answer in together] == [200] * len(factors)
    assert [float(answer.json()["value"][0].strip("[]")) for answer in together] == pytest.approx(alone, rel=1e-5)
    assert {answer.result().status_code for answer in bad} == {500}
    serving.wait_for(lambda: serving.metrics().get(f'{METRIC}_bucket{{le="1.0"}}', 0) > 0, "metrics")
    metrics = serving.metrics()
    assert metrics[f"{METRIC}_sum"] > metrics[f"{METRIC}_count"], metrics


def test_a_service_with_ops_shares_no_run_that_nobody_asked_for(
    make_package: Callable[..., Path], serve: Callable[..., Any]
) -> None:
    batching = serve(make_package(), "--workers", "1").wait_ready().get("/report").json()["batching"]
    assert (batching["maxRows"], batching["rows"], batching["proved"]) == (16, [1], [])
    assert (
        "for the models of a service's Ops it is asked for: engine.batching: {maxRows: 8}" in batching["notProved"][0]
    )
