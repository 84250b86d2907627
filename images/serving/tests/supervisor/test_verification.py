import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paddle_serving_runtime.consistency import EXACT, Tolerance
from paddle_serving_runtime.errors import NotConsistent, NotVerifiable
from paddle_serving_runtime.model.golden import Recorded, Sample
from paddle_serving_runtime.protocol import error_body, pack_response
from paddle_serving_runtime.reference.report import Reference
from paddle_serving_runtime.supervisor.settings import Consistency, ServeSettings
from paddle_serving_runtime.supervisor.verification import (
    Evidence,
    compare_recorded,
    compare_served,
    require_equal,
    usable_recordings,
)
from paddle_serving_runtime.supervisor.verifier import Verifier

WANT = {"y": np.array([[1.5, 2.5]])}
RECORDED = Recorded({"y": np.array([[1.5, 2.5]])}, Tolerance(1e-3, 1e-5), {})


def test_a_served_answer_equal_to_the_reference_is_evidence() -> None:
    evidence = Evidence()
    verdicts = [evidence.verdict]
    evidence.add("reference", compare_served("a.json", 200, pack_response({"y": "[[1.5, 2.5]]"}, {}), WANT, EXACT))
    verdicts.append(evidence.verdict)
    evidence.add("recorded", compare_recorded("a.json", WANT, RECORDED))
    assert [*verdicts, evidence.verdict] == ["None", "EngineOnly", "Recorded"]
    assert [entry["against"] for entry in evidence.as_json()] == ["reference", "recorded"]


def test_a_tensor_is_compared_with_its_type() -> None:
    served = pack_response({}, {"y": np.array([[1.5, 2.5]], np.float32)})
    with pytest.raises(NotConsistent, match="float32"):
        require_equal(compare_served("a.json", 200, served, WANT, EXACT))


def test_the_worst_worker_stays_in_the_evidence() -> None:
    evidence = Evidence()
    for text in ("[[1.5, 2.5]]", "[[1.5, 2.75]]", "[[1.5, 2.5]]"):
        evidence.add("reference", compare_served("a.json", 200, pack_response({"y": text}, {}), WANT, EXACT))
    (entry,) = evidence.as_json()
    assert (entry["equal"], entry["maxAbsoluteError"]) == (False, 0.25)
    assert evidence.verdict == "None"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (500, error_body(10000, "[op] preprocess failed"), "HTTP 500, err_no 10000"),
        (200, b"<html>", "not JSON"),
        (200, pack_response({}, {}), "y"),
        (200, pack_response({"y": "[[1.5]]"}, {}), "y"),
        (200, pack_response({"y": "[[1.5, 2.5]]", "more": "1"}, {}), "more"),
    ],
)
def test_whatever_is_not_the_references_answer_is_named(status: int, body: bytes, words: str) -> None:
    with pytest.raises(NotConsistent, match=words) as failure:
        require_equal(compare_served("a.json", status, body, WANT, EXACT))
    assert "a.json" in failure.value.message


def test_recorded_answers_are_used_as_far_as_is_asked() -> None:
    recorded = {"a": RECORDED}
    assert usable_recordings(("a", "b"), recorded, "auto", required=True) == recorded
    assert usable_recordings(("a",), recorded, "engine-only", required=True) == {}
    assert usable_recordings((), {}, "auto", required=False) == {}
    with pytest.raises(NotVerifiable, match=r"golden sample b \(1 of 2"):
        usable_recordings(("a", "b"), recorded, "recorded", required=True)
    with pytest.raises(NotVerifiable, match="no golden samples"):
        usable_recordings((), {}, "auto", required=True)


def settings(*, required: bool = True) -> ServeSettings:
    return ServeSettings(
        model_dir=Path(),
        name="svc",
        workers=1,
        threads=1,
        ir_optim=True,
        onednn=False,
        overrides=(),
        http_port=1,
        grpc_port=3,
        admin_port=2,
        drain_delay=0,
        drain_timeout=0,
        request_timeout=0.2,
        queue=1,
        max_body_bytes=1,
        digest="",
        consistency=Consistency(exact=True, rtol=0, atol=0, require="auto", required=required),
        log_level="info",
        engine="direct",
        legacy_status=False,
        standby=True,
    )


async def verify(folder: Path, answer: bytes | None, **options: Any) -> Evidence:  # noqa: ANN401 - of settings()
    """Verifies a worker that answers with these bytes, or not at all."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        if answer is not None:
            writer.write(answer)
            writer.close()

    async def reference() -> Reference:
        return Reference("3.3.1", "cpu", {}, {"a.json": WANT})

    verifier = Verifier(settings(**options), (Sample("a.json", b"{}"),), {}, reference())
    server = await asyncio.start_unix_server(handle, folder / "s")
    try:
        await verifier.verify(folder / "s")
    finally:
        server.close()
    return verifier.evidence


def http(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def test_a_worker_is_verified_through_its_socket(tmp_path: Path) -> None:
    evidence = asyncio.run(verify(tmp_path, http(pack_response({"y": "[[1.5, 2.5]]"}, {}))))
    assert evidence.verdict == "EngineOnly"


def test_a_difference_ends_it_only_where_consistency_is_required(tmp_path: Path) -> None:
    wrong = http(pack_response({"y": "[[1.5, 9.5]]"}, {}))
    with pytest.raises(NotConsistent, match=r"9\.5"):
        asyncio.run(verify(tmp_path, wrong))
    assert asyncio.run(verify(tmp_path, wrong, required=False)).verdict == "None"


def test_a_worker_that_does_not_answer_is_not_waited_for_longer_than_a_request_may_take(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(verify(tmp_path, None))
    with pytest.raises(EOFError):
        asyncio.run(verify(tmp_path, b""))
