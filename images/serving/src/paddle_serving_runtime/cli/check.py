"""Compares an endpoint with Paddle Inference, and that with the recorded answers, for every golden sample."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import orjson

from paddle_serving_runtime.cli.asking import PROTOCOLS, Ask, Endpoint, asking
from paddle_serving_runtime.cli.options import (
    add_computing,
    add_consistency,
    computing_from,
    consistency_from,
    require,
    service_name,
)
from paddle_serving_runtime.consistency import Comparison, Tolerance, describe
from paddle_serving_runtime.errors import InvalidOption, NotConsistent, ServingError
from paddle_serving_runtime.evidence.comparisons import Evidence
from paddle_serving_runtime.evidence.origin import Origin
from paddle_serving_runtime.evidence.report import MAX_BYTES, Proof, bounded, document
from paddle_serving_runtime.link.report import named_error
from paddle_serving_runtime.package.contents import Package, load_package
from paddle_serving_runtime.package.golden import Recorded, Sample, load_recorded, load_samples
from paddle_serving_runtime.package.manifest import digest_of
from paddle_serving_runtime.paddle_model.computing import Computing
from paddle_serving_runtime.reference.report import Reference, read
from paddle_serving_runtime.supervisor.launch import process_environment, reference_command
from paddle_serving_runtime.supervisor.origin import completed, package_origin
from paddle_serving_runtime.verdict.verification import (
    compare_recorded,
    compare_response,
    require_close,
    tolerance_of,
    trusted_recordings,
    usable_recordings,
)
from paddle_serving_runtime.words import aligned, visible

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
    parser.add_argument("--ca", type=Path, metavar="FILE", help="certificates to trust, PEM; default: the system's")
    parser.add_argument(
        "--api-key-file", type=Path, metavar="FILE", help="its first line is the key to show; needs https, or loopback"
    )
    parser.add_argument("--timeout", type=float, default=_TIMEOUT_SECONDS, help="seconds for one answer; default: 70")
    add_computing(parser)
    add_consistency(parser)
    parser.add_argument("--report", type=Path, help="where the JSON report goes")
    parser.add_argument("--reference", type=Path, help="answers of an earlier `reference` run; default: computed now")


def run(arguments: argparse.Namespace) -> int:
    """0 where everything agrees, 3 where something differs; raises ServingError where it cannot be found out."""
    consistency = consistency_from(arguments, "auto", required=True)
    name = service_name(arguments.name or arguments.model_dir.resolve().name)
    require(arguments.timeout > 0, "--timeout must be positive")
    require(
        arguments.report is None or arguments.report.resolve().parent.is_dir(),
        f"--report {arguments.report}: there is no such folder",
    )
    require(arguments.ca is None or arguments.ca.is_file(), f"--ca {arguments.ca}: there is no such file")
    computing = computing_from(arguments)
    package = load_package(arguments.model_dir, computing.script)
    samples = load_samples(package)
    recorded = usable_recordings(
        tuple(sample.name for sample in samples), load_recorded(package), consistency.require, required=True
    )
    recorded, _ = trusted_recordings(recorded, consistency.max_tolerance, required=True)
    endpoint = Endpoint(
        arguments.url, name, arguments.protocol, arguments.timeout, arguments.ca, _key_in(arguments.api_key_file)
    )
    with asking(endpoint) as ask:
        reference = read(arguments.reference) if arguments.reference else _computed(package, computing)
        _require_close(reference, recorded, consistency.max_tolerance)
        evidence = _compare(ask, samples, recorded, reference, tolerance_of(consistency))
    print(_table(evidence))
    for sentence in evidence.differences:
        print(visible(sentence))
    print(_summary(len(samples), reference, evidence, computing.backend))
    if arguments.report:
        origin = completed(_origin(package, computing), reference, {})
        proof = Proof(origin, evidence, len(samples), len(recorded), 0, consistency.as_json())
        _write_report(arguments.report, endpoint, proof)
    return NOT_CONSISTENT if evidence.differences else CONSISTENT


def _key_in(path: Path | None) -> str:
    """The first line of the file. Raises InvalidOption where there is none."""
    if path is None:
        return ""
    try:
        lines = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidOption(f"--api-key-file {path} cannot be read: {error}.") from None
    require(bool(lines), f"--api-key-file {path} has no key")
    return lines[0]


def _require_close(reference: Reference, recorded: Mapping[str, Recorded], limit: float) -> None:
    for name, answer in reference.answers.items():
        if name in recorded:
            require_close(name, answer, recorded[name], limit)


def _compare(
    ask: Ask,
    samples: tuple[Sample, ...],
    recorded: Mapping[str, Recorded],
    reference: Reference,
    tolerance: Tolerance,
) -> Evidence:
    """All comparisons, and a sentence for everything that is not as it must be."""
    evidence = Evidence()
    started = told = time.monotonic()
    for number, sample in enumerate(samples):
        if time.monotonic() - told > _PROGRESS_SECONDS:
            told = time.monotonic()
            print(f"... {number} of {len(samples)} samples compared, {told - started:.0f} s", file=sys.stderr)
        want = reference.answers.get(sample.name)
        if want is None:
            evidence.add_difference(f"Sample {sample.name}: the reference has no answer to it.")
            continue
        evidence.add_answer(sample.name, want)
        try:
            reply = ask(sample)
            served = compare_response(sample.name, reply.status, reply.response, want, tolerance)
        except NotConsistent as error:
            evidence.add_difference(error.message)
            served = ()
        against_recorded: tuple[Comparison, ...] = ()
        if sample.name in recorded:
            against_recorded = compare_recorded(sample.name, want, recorded[sample.name])
        evidence.add("reference", served)
        evidence.add("recorded", against_recorded)
        for found in (*served, *against_recorded):
            if not found.equal:
                evidence.add_difference(describe(found))
    return evidence


def _summary(samples: int, reference: Reference, evidence: Evidence, backend: str) -> str:
    by = f"compared with Paddle {reference.paddle_version} on {reference.device}"
    if backend != "Default":
        by += f", backend {backend}"
    if evidence.differences:
        return f"NOT consistent. Samples: {samples}, differences: {len(evidence.differences)}; {by}."
    return f"Consistent, verdict {evidence.verdict}. Samples: {samples}, tensors: {len(evidence.comparisons)}; {by}."


def _computed(package: Package, computing: Computing) -> Reference:
    """Paddle Inference's own answers, from a process of its own."""
    started = time.monotonic()
    print("computing the reference answers ...", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="paddle-serving-") as folder:
        output = Path(folder) / "reference.json"
        command = reference_command(package.root, output, computing)
        environment = process_environment(computing.threads)
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
            visible(sample),
            visible(tensor),
            against,
            str(found.elements),
            f"{found.max_absolute_error:.3g}",
            f"{found.max_relative_error:.3g}",
            "yes" if found.equal else "NO",
        )
        for (sample, tensor, against), found in evidence.comparisons.items()
    ]
    return aligned(rows)


def _origin(package: Package, computing: Computing) -> Origin:
    """Of the reference: which image and engine answer behind the URL, nobody knows here."""
    return replace(package_origin(package.root, "", computing), model_digest=digest_of(package.root))


def _write_report(path: Path, endpoint: Endpoint, proof: Proof) -> None:
    report = {
        "url": endpoint.url,
        "name": endpoint.name,
        "protocol": endpoint.protocol,
        "consistent": not proof.evidence.differences,
        **document(proof),
    }
    partial = path.with_name(f"{path.name}.partial")
    small = bounded(report, MAX_BYTES // 2)  # the indentation is nearly as much again
    partial.write_bytes(orjson.dumps(small, option=orjson.OPT_INDENT_2) + b"\n")
    partial.replace(path)
