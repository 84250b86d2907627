"""Compares an endpoint with Paddle Inference, and that with the recorded answers, for every golden sample."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from paddle_serving_runtime.cli.asking import PROTOCOLS, Ask, Endpoint, asking
from paddle_serving_runtime.cli.options import (
    add_consistency,
    add_switches,
    checked_device,
    consistency_from,
    overrides_from,
    require,
    service_name,
)
from paddle_serving_runtime.consistency import EXACT, Comparison, Tolerance, describe
from paddle_serving_runtime.errors import NotConsistent, ServingError
from paddle_serving_runtime.model.golden import Recorded, Sample, load_recorded, load_samples
from paddle_serving_runtime.model.package import Package, load_package
from paddle_serving_runtime.reference.report import Reference, read
from paddle_serving_runtime.supervisor.launch import process_environment, reference_command
from paddle_serving_runtime.supervisor.reference import named_error
from paddle_serving_runtime.supervisor.verification import (
    Evidence,
    compare_recorded,
    compare_response,
    usable_recordings,
)

CONSISTENT, NOT_CONSISTENT = 0, 3
_TIMEOUT_SECONDS = 70.0
"""Longer than the service's own default, whose 504 says more."""

_PROGRESS_SECONDS = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `check`."""
    parser.add_argument("--url", required=True, help="http://host:port of the service; of its gRPC port for gRPC")
    parser.add_argument("--model-dir", type=Path, required=True, help="the model package, with golden samples")
    parser.add_argument("--name", help="name of the service; default: that of the model directory")
    parser.add_argument("--protocol", choices=PROTOCOLS, default=PROTOCOLS[0], help="default: %(default)s")
    parser.add_argument("--timeout", type=float, default=_TIMEOUT_SECONDS, help="seconds for one answer; default: 70")
    add_switches(parser)
    add_consistency(parser)
    parser.add_argument("--report", type=Path, help="where the JSON report goes")
    parser.add_argument("--reference", type=Path, help="answers of an earlier `reference` run; default: computed now")


def run(arguments: argparse.Namespace) -> int:
    """0 where everything agrees, 3 where something differs; raises ServingError where it cannot be found out."""
    consistency = consistency_from(arguments, "auto", required=True)
    tolerance = EXACT if consistency.exact else Tolerance(consistency.rtol, consistency.atol)
    name = service_name(arguments.name or arguments.model_dir.resolve().name)
    require(arguments.timeout > 0, "--timeout must be positive")
    require(
        arguments.report is None or arguments.report.resolve().parent.is_dir(),
        f"--report {arguments.report}: there is no such folder",
    )
    package = load_package(arguments.model_dir)
    samples = load_samples(package)
    recorded = usable_recordings(
        tuple(sample.name for sample in samples), load_recorded(package), consistency.require, required=True
    )
    endpoint = Endpoint(arguments.url, name, arguments.protocol, arguments.timeout)
    with asking(endpoint) as ask:
        reference = read(arguments.reference) if arguments.reference else _computed(arguments, package)
        evidence, sentences = _compare(ask, samples, recorded, reference, tolerance)
    print(_table(evidence))
    for sentence in sentences:
        print(sentence)
    print(_summary(len(samples), reference, evidence, sentences))
    if arguments.report:
        _write_report(arguments.report, endpoint, reference, evidence, sentences)
    return NOT_CONSISTENT if sentences else CONSISTENT


def _compare(
    ask: Ask,
    samples: tuple[Sample, ...],
    recorded: Mapping[str, Recorded],
    reference: Reference,
    tolerance: Tolerance,
) -> tuple[Evidence, list[str]]:
    """All comparisons, and a sentence for everything that is not as it must be."""
    evidence, sentences = Evidence(), []
    started = told = time.monotonic()
    for number, sample in enumerate(samples):
        if time.monotonic() - told > _PROGRESS_SECONDS:
            told = time.monotonic()
            print(f"... {number} of {len(samples)} samples compared, {told - started:.0f} s", file=sys.stderr)
        want = reference.answers.get(sample.name)
        if want is None:
            sentences.append(f"Sample {sample.name}: the reference has no answer to it.")
            continue
        try:
            reply = ask(sample)
            served = compare_response(sample.name, reply.status, reply.response, want, tolerance)
        except NotConsistent as error:
            sentences.append(error.message)
            served = ()
        against_recorded: tuple[Comparison, ...] = ()
        if sample.name in recorded:
            against_recorded = compare_recorded(sample.name, want, recorded[sample.name])
        evidence.add("reference", served)
        evidence.add("recorded", against_recorded)
        sentences += [describe(found) for found in (*served, *against_recorded) if not found.equal]
    return evidence, sentences


def _summary(samples: int, reference: Reference, evidence: Evidence, sentences: list[str]) -> str:
    by = f"compared with Paddle {reference.paddle_version} on {reference.device}"
    if sentences:
        return f"NOT consistent. Samples: {samples}, differences: {len(sentences)}; {by}."
    return f"Consistent, verdict {evidence.verdict}. Samples: {samples}, tensors: {len(evidence.comparisons)}; {by}."


def _computed(arguments: argparse.Namespace, package: Package) -> Reference:
    """Paddle Inference's own answers, from a process of its own."""
    started = time.monotonic()
    print("computing the reference answers ...", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="paddle-serving-") as folder:
        output = Path(folder) / "reference.json"
        command = reference_command(
            package.root,
            output,
            threads=arguments.threads_per_worker,
            ir_optim=arguments.ir_optim,
            onednn=arguments.onednn,
            device=checked_device(arguments.device),
            overrides=overrides_from(arguments.overrides),
        )
        environment = process_environment(arguments.threads_per_worker)
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
        if done.returncode:
            lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
            reason, separator, message = lines[-1].partition(": ")
            raise named_error(reason, message) if separator else ServingError("ReferenceFailed", lines[-1])
        reference = read(output)
    print(f"... done in {time.monotonic() - started:.1f} s", file=sys.stderr)
    return reference


def _table(evidence: Evidence) -> str:
    rows = [("SAMPLE", "TENSOR", "AGAINST", "ELEMENTS", "MAX ABSOLUTE", "MAX RELATIVE", "EQUAL")]
    rows += [
        (
            sample,
            tensor,
            against,
            str(found.elements),
            f"{found.max_absolute_error:.3g}",
            f"{found.max_relative_error:.3g}",
            "yes" if found.equal else "NO",
        )
        for (sample, tensor, against), found in evidence.comparisons.items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _write_report(
    path: Path, endpoint: Endpoint, reference: Reference, evidence: Evidence, sentences: list[str]
) -> None:
    report: dict[str, Any] = {
        "url": endpoint.url,
        "name": endpoint.name,
        "protocol": endpoint.protocol,
        "verdict": evidence.verdict if not sentences else "None",
        "consistent": not sentences,
        "paddleVersion": reference.paddle_version,
        "device": reference.device,
        "differences": sentences,
        "comparisons": evidence.as_json(),
    }
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n")
    partial.replace(path)
