"""The rows of a run as JUnit XML, which CI systems show. Pure."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from tipc.results import FAILED, SKIPPED, Row


def junit(name: str, rows: Sequence[Row]) -> str:
    """One test case for each row: failed with the reason, skipped with the reason, or passed with both values."""
    suite = ET.Element("testsuite", name=f"tipc.{name}", tests=str(len(rows)))
    for status, attribute in ((FAILED, "failures"), (SKIPPED, "skipped")):
        suite.set(attribute, str(sum(row.status == status for row in rows)))
    suite.set("errors", "0")
    for row in rows:
        case = ET.SubElement(suite, "testcase", classname=f"tipc.{name}.{row.target}", name=_name(row))
        if row.latency_ms is not None:
            case.set("time", f"{row.latency_ms / 1000:.6f}")
        if row.status == FAILED:
            ET.SubElement(case, "failure", message=row.why)
        elif row.status == SKIPPED:
            ET.SubElement(case, "skipped", message=row.why)
        ET.SubElement(case, "system-out").text = _values(row)
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _name(row: Row) -> str:
    switches = {
        "mkldnn": row.onednn,
        "threads": row.threads,
        "tensorrt": row.tensorrt,
        "precision": row.precision,
        "batchsize": str(row.batch_size),
    }
    chosen = " ".join(f"{key}={value}" for key, value in switches.items() if value != "-")
    return f"{row.asked_device} {row.client} {chosen}"


def _values(row: Row) -> str:
    return (
        f"device: {row.device}\nbackend: {row.backend}\nserved: {row.served}\n"
        f"Paddle Inference: {row.reference}\ntypes: {row.types}\n"
        f"largest absolute error: {row.max_absolute_error}\nlargest relative error: {row.max_relative_error}\n"
        f"client's output: {row.printed}\nauthor's inference: {row.author}"
    )
