import orjson
import pytest

from paddle_serving_runtime.front.log import RequestRecord


def line(**fields: str) -> bytes:
    defaults = {
        "code": "200",
        "microseconds": "1500",
        "queued": "2",
        "worker": "w0",
        "path": "/a/b",
        "request": "id",
        "frontend": "http",
        "grpc": "-",
        "measured": "900 1 0 ok 1",
        "ended": "1700000000000",
        "end": "--",
        "backend": "workers",
    }
    return orjson.dumps(defaults | fields)


@pytest.mark.parametrize(
    ("fields", "code", "protocol"),
    [
        ({}, 200, "pipeline_json"),
        ({"code": "502"}, 503, "pipeline_json"),
        ({"path": "/v2/models/m/infer"}, 200, "oip_rest"),
        ({"path": "/v2x/y"}, 200, "pipeline_json"),
        ({"frontend": "grpc", "path": "/inference.GRPCInferenceService/ModelInfer"}, 200, "oip_grpc"),
        ({"frontend": "grpc", "path": "/inference.GRPCInferenceService/ServerLive", "grpc": "0"}, 200, "oip_grpc"),
        (
            {
                "frontend": "grpc",
                "path": "/baidu.paddle_serving.pipeline_serving.PipelineService/inference",
                "grpc": "14",
            },
            503,
            "pipeline_grpc",
        ),
        ({"frontend": "grpc", "path": "/grpc.health.v1.Health/Watch", "grpc": "99"}, 500, "grpc"),
        ({"frontend": "grpc", "path": "/", "code": "415"}, 415, "grpc"),
    ],
)
def test_every_protocol_is_counted_with_a_status_of_http(fields: dict[str, str], code: int, protocol: str) -> None:
    record = RequestRecord.parse(line(**fields))
    assert record is not None
    assert (record.code, record.protocol) == (code, protocol)


def test_a_request_that_outlasted_its_worker_is_told_from_one_that_waited_too_long() -> None:
    ends = {"sH": True, "sQ": False, "--": False, "cD": False}
    records = {end: RequestRecord.parse(line(code="504", end=end)) for end in ends}
    assert {end: record is not None and record.overdue for end, record in records.items()} == ends


@pytest.mark.parametrize(
    "text", [b"", b"[NOTICE] haproxy", b"[]", b'{"code":"x"}', line(code=""), line(measured="1 1")]
)
def test_what_is_no_log_line_is_not_counted(text: bytes) -> None:
    assert RequestRecord.parse(text) is None


@pytest.mark.parametrize(("logged", "trace"), [("-", ""), ("", ""), ("00-a-b-01", "00-a-b-01")])
def test_a_client_that_names_no_trace_has_none(logged: str, trace: str) -> None:
    record = RequestRecord.parse(line(trace=logged, received="700", sent="300"))
    assert record is not None
    assert (record.trace, record.received, record.sent) == (trace, 700, 300)
