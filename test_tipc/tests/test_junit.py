from dataclasses import replace
from xml.etree import ElementTree as ET

from tipc.junit import junit
from tipc.results import FAILED, PASSED, SKIPPED, Row

ROW = Row(
    model="net",
    target="local",
    asked_device="cpu",
    device="cpu",
    backend="OpenVINO",
    client="pipeline_http_client.py",
    batch_size=1,
    tensorrt="-",
    onednn="True",
    threads="6",
    precision="-",
    latency_ms=12.5,
    consistent="yes",
    tolerance="exact",
    author="equal (prob)",
    printed="equal",
    requests=1,
    served="prob [0.5]",
    reference="prob [0.5]",
    types="prob float64",
    max_absolute_error=0.0,
    max_relative_error=0.0,
    status=PASSED,
    why="",
)


def test_every_row_is_a_case_with_its_reason_and_values() -> None:
    rows = [
        ROW,
        replace(ROW, status=FAILED, why="served 1 < 2 & so on", latency_ms=None),
        replace(ROW, status=SKIPPED, asked_device="gpu", device="-", why="no GPU is here"),
    ]
    suite = ET.fromstring(junit("a/net", rows))  # noqa: S314 - our own
    assert {name: suite.get(name) for name in ("name", "tests", "failures", "skipped", "errors")} == {
        "name": "tipc.a/net",
        "tests": "3",
        "failures": "1",
        "skipped": "1",
        "errors": "0",
    }
    passed, failed, skipped = suite
    assert (passed.get("name"), passed.get("time")) == (
        "cpu pipeline_http_client.py mkldnn=True threads=6 batchsize=1",
        "0.012500",
    )
    assert [child.tag for child in passed] == ["system-out"]
    assert "device: cpu\nbackend: OpenVINO\n" in (passed.findtext("system-out") or "")
    assert "served: prob [0.5]\nPaddle Inference: prob [0.5]\ntypes: prob float64" in (
        passed.findtext("system-out") or ""
    )
    assert [child.get("message") for child in failed if child.tag == "failure"] == ["served 1 < 2 & so on"]
    assert [child.get("message") for child in skipped if child.tag == "skipped"] == ["no GPU is here"]
