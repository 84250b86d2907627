"""Services that keep state between requests never become ready, and a tolerance that lets everything pass neither."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from images.serving.tests.process.serve.conftest import PRICE, SERVICE, request_body
from images.serving.tests.services import ROW as X

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

Serve = Callable[..., "Serving"]
Make = Callable[..., Path]

PREVIOUS = SERVICE.replace(
    'return {"price": str(fetch_dict["price"].tolist())}, None, ""',
    'answer = getattr(self, "before", fetch_dict["price"])\n'
    '        self.before = fetch_dict["price"]\n'
    '        return {"price": str(answer.tolist())}, None, ""',
)
COUNTING = SERVICE.replace(
    'return {"price": str(fetch_dict["price"].tolist())}, None, ""',
    'self.count = getattr(self, "count", 0) + 1\n'
    '        return {"price": str((fetch_dict["price"] + (self.count > 10)).tolist())}, None, ""',
)


def ended(serving: "Serving", status: int) -> str:
    assert serving.wait_exit() == status, serving.tail()
    return serving.message()


def test_an_op_that_answers_the_previous_request_is_stopped_with_one_golden_sample(
    serve: Serve, make_package: Make
) -> None:
    golden = {"hello.json": request_body(), "expected/hello.json": {"answer": {"price": [[PRICE]]}}}
    message = ended(serve(make_package(PREVIOUS, golden), "--workers", "1"), 3)
    assert message.startswith("NotConsistent: Sample hello.json")
    assert "keeps something from one request to the next" in message


def test_an_op_that_changes_after_ten_requests_is_stopped_with_three_samples(serve: Serve, make_package: Make) -> None:
    golden = {f"{number}.json": request_body([value + number / 10 for value in X]) for number in range(3)}
    message = ended(serve(make_package(COUNTING, golden), "--workers", "1"), 3)
    assert message.startswith("NotConsistent: Sample ")
    assert "of 14, after " in message


def test_one_sample_from_which_nothing_can_be_derived_is_a_warning_in_the_log_and_in_the_report(
    serve: Serve, make_package: Make
) -> None:
    golden = {"zeros.json": request_body([0.0] * 13), "expected/zeros.json": {"answer": {"price": [[22.73]]}}}
    serving = serve(make_package(golden=golden), "--workers", "2").wait_ready()
    report = serving.get("/report").json()
    (warning,) = report["warnings"]
    assert "There is one golden sample" in warning
    assert len(serving.logs(warning)) == 1
    assert (report["verdict"], report["samples"], report["recorded"]) == ("Recorded", 1, 1)
    found = report["largestDifference"]
    assert (found["sample"], found["tensor"]) == ("zeros.json", "price")
    assert 0 < found["relative"] < 1e-3
    assert abs(found["absolute"] - found["relative"] * 22.73) < 1e-9


def test_a_recorded_tolerance_that_lets_everything_pass_is_refused_before_anything_is_compared(
    serve: Serve, make_package: Make
) -> None:
    expected = {"answer": {"price": [[17.5]]}, "tolerance": {"atol": 1e9}}
    package = make_package(golden={"hello.json": request_body(), "expected/hello.json": expected})
    message = ended(serve(package, "--workers", "1"), 1)
    assert message.startswith("NotVerifiable: The recorded answer to sample hello.json, tensor price: atol 1e+09 is ")
    assert "spec.consistency.maxTolerance" in message
    (package / "golden/expected/hello.json").write_text(json.dumps(expected | {"tolerance": {"rtol": 0.1}}))
    refused = ended(serve(package, "--workers", "1", "--max-tolerance", "0.01"), 1)
    assert "rtol 0.1 is more than 0.01" in refused
    ended(serve(package, "--workers", "1", "--max-tolerance", "0.09999"), 1)
