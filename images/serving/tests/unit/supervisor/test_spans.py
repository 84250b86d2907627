from dataclasses import replace

from paddle_serving_runtime.front.log import RequestRecord
from paddle_serving_runtime.protocol.measured import ModelCall
from paddle_serving_runtime.supervisor.spans import parts_of

MILLISECOND = 1_000_000
ENDED = 1_700_000_000_000
RECORD = RequestRecord(
    code=200,
    seconds=0.010,
    queued=0.002,
    worker="w1",
    path="/ocr/prediction",
    request_id="abc",
    protocol="pipeline_json",
    ended=ENDED,
    call=ModelCall(0.004, 3, 0, succeeded=True, rows=1),
    overdue=False,
    cut_short=False,
)


def test_a_request_is_its_time_in_the_queue_and_with_its_worker_who_computes_in_the_middle() -> None:
    request, queue, worker, inference = parts_of(RECORD)
    end = ENDED * MILLISECOND
    assert (request.start, request.end) == (end - 10 * MILLISECOND, end)
    assert (queue.start, queue.end) == (request.start, request.start + 2 * MILLISECOND)
    assert worker is not None
    assert (worker.start, worker.end) == (queue.end, end)
    assert inference is not None
    assert (inference.start, inference.end) == (worker.start + 2 * MILLISECOND, worker.start + 6 * MILLISECOND)
    assert inference.attributes["paddle_serving.batch.requests"] == 3
    assert request.attributes["http.response.status_code"] == 200


def test_what_no_worker_has_seen_has_a_queue_alone() -> None:
    parts = parts_of(replace(RECORD, worker="<NOSRV>", call=None, code=429))
    assert (parts.worker, parts.inference) == (None, None)


def test_what_did_not_come_to_a_model_has_no_inference() -> None:
    parts = parts_of(replace(RECORD, call=None, code=400))
    assert parts.worker is not None
    assert parts.inference is None


def test_clocks_that_disagree_make_no_span_that_ends_before_it_begins() -> None:
    call = ModelCall(5.0, 1, 0, succeeded=True, rows=1)
    for span in parts_of(replace(RECORD, queued=3.0, call=call)):
        assert span is not None
        assert RECORD.ended * MILLISECOND >= span.end >= span.start
