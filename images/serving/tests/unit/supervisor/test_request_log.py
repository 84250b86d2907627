import logging
import uuid
from dataclasses import replace

import pytest

from images.serving.tests.unit.supervisor.test_spans import RECORD
from paddle_serving_runtime.cli.serve import share_of
from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.supervisor.request_log import RequestLog, fields_of

IDS = [str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))) for number in range(10_000)]


@pytest.mark.parametrize(("share", "least", "most"), [(0.01, 70, 130), (0.5, 4800, 5200), (1.0, 10_000, 10_000)])
def test_the_log_names_the_share_of_requests_that_was_asked_for(
    caplog: pytest.LogCaptureFixture, share: float, least: int, most: int
) -> None:
    log = RequestLog(share)
    with caplog.at_level(logging.INFO):
        for request_id in IDS:
            log.add(replace(RECORD, request_id=request_id))
    assert least <= len(caplog.records) <= most


def test_it_says_sizes_and_times_in_milliseconds() -> None:
    found = fields_of(replace(RECORD, received=700, sent=300, trace="00-a-b-01"))
    assert found == {
        "requestId": "abc",
        "protocol": "pipeline_json",
        "path": "/ocr/prediction",
        "code": 200,
        "worker": "w1",
        "milliseconds": 10.0,
        "queuedMilliseconds": 2.0,
        "inferenceMilliseconds": 4.0,
        "batchRequests": 3,
        "rows": 1,
        "bytesReceived": 700,
        "bytesSent": 300,
        "traceparent": "00-a-b-01",
    }


def test_a_request_that_no_model_has_seen_has_no_time_in_it() -> None:
    assert fields_of(replace(RECORD, call=None))["inferenceMilliseconds"] is None


@pytest.mark.parametrize("text", ["-0.1", "1.1", "nan", "all", "", "1%"])
def test_what_is_no_share_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(InvalidOption, match=r"from 0 \(none\) to 1 \(every request\)"):
        share_of(text)
