import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paddle_serving_runtime.consistency import EXACT, Tolerance, describe
from paddle_serving_runtime.errors import NotConsistent, NotVerifiable
from paddle_serving_runtime.evidence.comparisons import Evidence
from paddle_serving_runtime.package.golden import Recorded, Sample
from paddle_serving_runtime.paddle_model.batching import OFF
from paddle_serving_runtime.paddle_model.computing import Computing
from paddle_serving_runtime.paddle_model.switches import Asked
from paddle_serving_runtime.protocol import error_body, pack_response
from paddle_serving_runtime.reference.report import Reference
from paddle_serving_runtime.supervisor.settings import ServeSettings
from paddle_serving_runtime.supervisor.verifier import Unanswered, Verifier
from paddle_serving_runtime.verdict.consistency import Consistency
from paddle_serving_runtime.verdict.verification import (
    compare_recorded,
    compare_served,
    require_close,
    trusted_recordings,
    usable_recordings,
)

WANT = {"y": np.array([[1.5, 2.5]])}
RECORDED = Recorded({"y": np.array([[1.5, 2.5]])}, Tolerance(1e-3, 1e-5), {})


def test_a_served_answer_equal_to_the_reference_is_evidence() -> None:
    evidence = Evidence()
    verdicts = [evidence.verdict]
    evidence.add("reference", compare_served("a.json", 200, pack_response({"y": "[[1.5, 2.5]]"}, {}), WANT, EXACT))
    verdicts.append(evidence.verdict)
    evidence.add("recorded", compare_recorded("a.json", WANT, RECORDED))
    assert [*verdicts, evidence.verdict] == ["None", "EngineOnly", "Recorded"]
    assert [against for _, _, against in evidence.comparisons] == ["reference", "recorded"]


def sentence(status: int, body: bytes) -> str:
    """What is wrong with a served response, whether it is an answer or none."""
    try:
        found = compare_served("a.json", status, body, WANT, EXACT)
    except NotConsistent as error:
        return error.message
    return " ".join(describe(comparison) for comparison in found if not comparison.equal)


def test_a_tensor_is_compared_with_its_type() -> None:
    assert "float32" in sentence(200, pack_response({}, {"y": np.array([[1.5, 2.5]], np.float32)}))


def test_the_worst_worker_stays_in_the_evidence() -> None:
    evidence = Evidence()
    for text in ("[[1.5, 2.5]]", "[[1.5, 2.75]]", "[[1.5, 2.5]]"):
        evidence.add("reference", compare_served("a.json", 200, pack_response({"y": text}, {}), WANT, EXACT))
    (found,) = evidence.comparisons.values()
    assert (found.equal, found.max_absolute_error) == (False, 0.25)
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
    assert words in sentence(status, body)
    assert "a.json" in sentence(status, body)


def test_recorded_answers_are_used_as_far_as_is_asked() -> None:
    recorded = {"a": RECORDED}
    assert usable_recordings(("a", "b"), recorded, "auto", required=True) == recorded
    assert usable_recordings(("a",), recorded, "engine-only", required=True) == {}
    assert usable_recordings((), {}, "auto", required=False) == {}
    with pytest.raises(NotVerifiable, match=r"golden sample b \(1 of 2"):
        usable_recordings(("a", "b"), recorded, "recorded", required=True)
    with pytest.raises(NotVerifiable, match="no golden samples"):
        usable_recordings((), {}, "auto", required=True)


def settings(*, required: bool = True, request_timeout: float = 60, backend: Asked = "Default") -> ServeSettings:
    return ServeSettings(
        model_dir=Path(),
        name="svc",
        workers=1,
        computing=Computing(
            ir_optim=True, onednn=False, threads=1, device="cpu", overrides=(), script="", backend=backend
        ),
        batching=OFF,
        http_port=1,
        grpc_port=3,
        admin_port=2,
        drain_delay=0,
        drain_timeout=0,
        request_timeout=request_timeout,
        queue=1,
        max_body_bytes=1,
        digest="",
        consistency=Consistency(exact=True, rtol=0, atol=0, require="auto", required=required, max_tolerance=0.05),
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
        await verifier.verify(folder / "s", asyncio.get_running_loop().create_future())
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


def test_a_difference_is_told_with_the_backend_where_it_is_not_the_default(tmp_path: Path) -> None:
    wrong = http(pack_response({"y": "[[1.5, 9.5]]"}, {}))
    with pytest.raises(NotConsistent, match=r"a\.json.* y.*\[0, 1\].*The backend is OpenVINO\.$"):
        asyncio.run(verify(tmp_path, wrong, backend="OpenVINO"))
    with pytest.raises(NotConsistent, match=r"9\.5") as told:
        asyncio.run(verify(tmp_path, wrong))
    assert "backend" not in told.value.message


def test_a_worker_that_does_not_answer_is_not_waited_for_longer_than_a_request_may_take(tmp_path: Path) -> None:
    with pytest.raises(Unanswered) as silent:
        asyncio.run(verify(tmp_path, None, request_timeout=0.2))
    with pytest.raises(Unanswered) as closed:
        asyncio.run(verify(tmp_path, b""))
    assert [(error.value.sample, error.value.late) for error in (silent, closed)] == [
        ("a.json", True),
        ("a.json", False),
    ]


def recorded(values: object, rtol: float, atol: float) -> Recorded:
    return Recorded({"y": np.array(values)}, Tolerance(rtol, atol), {})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (recorded([1.5, 2.5], 1e9, 0), r"rtol 1e\+09 is more than 0.05"),
        (recorded([1.5, 2.5], 0.051, 0), "rtol 0.051 is more than 0.05"),
        (recorded([1.5, 2.5], 0, 1e9), r"tensor y: atol 1e\+09 is more than 0.05 of the largest value, 2.5"),
        (recorded([1e-4, -2e-4], 0, 1e-3), "atol 0.001 is more than 0.05 of the largest value, 0.0002"),
        (recorded([0.0], 0, 0.06), "of the largest value, 1"),
        (recorded([np.nan, np.inf], 0, 0.06), "of the largest value, 1"),
        (recorded([3], 1e9, 0), r"rtol 1e\+09 is more than 0.05"),
        (recorded("text", 1e9, 0), r"rtol 1e\+09 is more than 0.05"),
    ],
)
def test_a_recorded_tolerance_that_lets_nearly_everything_pass_is_refused_or_left_out(
    given: Recorded, words: str
) -> None:
    with pytest.raises(NotVerifiable, match=words) as failure:
        trusted_recordings({"a.json": given}, 0.05, required=True)
    assert failure.value.message.startswith("The recorded answer to sample a.json")
    trusted, warnings = trusted_recordings({"a.json": given, "b.json": RECORDED}, 0.05, required=False)
    assert list(trusted) == ["b.json"]
    assert warnings == (failure.value.message,)


@pytest.mark.parametrize(
    "given",
    [
        RECORDED,
        recorded([0.0, 0.0], 1e-3, 1e-5),
        recorded([1e-8], 1e-3, 1e-5),
        recorded([1.5, 2.5], 0.05, 0.1),
        recorded([500.0, 0.0], 0, 20.0),
        recorded([3], 0, 0.5),
        recorded([], 0.01, 0.01),
        recorded("text", 1e-3, 1e-5),
    ],
)
def test_a_recorded_tolerance_of_the_values_size_is_taken(given: Recorded) -> None:
    assert trusted_recordings({"a.json": given}, 0.05, required=True) == ({"a.json": given}, ())


def test_whole_numbers_recorded_for_floats_do_not_hide_a_loose_tolerance() -> None:
    loose = recorded([0], 0, 1e9)
    require_close("a.json", {"y": np.array([0])}, loose, 0.05)
    with pytest.raises(NotVerifiable, match="atol"):
        require_close("a.json", {"y": np.array([7.25])}, loose, 0.05)


def test_the_largest_difference_is_that_from_the_recorded_answers_and_names_its_place() -> None:
    evidence = Evidence()
    assert evidence.largest is None
    evidence.add("reference", compare_served("c.json", 200, pack_response({"y": "[[9.5, 2.5]]"}, {}), WANT, EXACT))
    assert evidence.largest is None
    evidence.add("recorded", compare_recorded("a.json", {"y": np.array([[1.5003, 2.5]])}, RECORDED))
    evidence.add("recorded", compare_recorded("b.json", {"y": np.array([[1.5, 2.5003]])}, RECORDED))
    small = Recorded({"z": np.array([1e-9, 2.0])}, Tolerance(1e-3, 1e-5), {})
    evidence.add("recorded", compare_recorded("d.json", {"z": np.array([3e-6, 2.0])}, small))
    found = evidence.largest
    assert found is not None
    assert (found.sample, found.tensor) == ("a.json", "y")
    assert found.max_absolute_error == pytest.approx(3e-4)
    assert found.max_relative_error == pytest.approx(2e-4)
