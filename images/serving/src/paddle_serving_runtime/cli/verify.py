"""Computes everything that a report says once more, without a cluster, and says what differs."""

import argparse
import asyncio
import contextlib
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from paddle_serving_runtime.cli.options import BACKENDS, MAX_TOLERANCE, add_image_digest, checked_image_digest
from paddle_serving_runtime.cli.preconditions import require_readable, working_folder
from paddle_serving_runtime.errors import InvalidOption, ModelUnavailable, ReportUnreadable, ServingError
from paddle_serving_runtime.evidence.confirmation import Finding, origin_findings, result_findings
from paddle_serving_runtime.evidence.reading import read_report
from paddle_serving_runtime.evidence.report import document
from paddle_serving_runtime.evidence.signature import check_signature, load_public_key
from paddle_serving_runtime.package import manifest
from paddle_serving_runtime.package.contents import GOLDEN
from paddle_serving_runtime.paddle_model.batching import OFF
from paddle_serving_runtime.paddle_model.computing import Computing
from paddle_serving_runtime.paddle_model.switches import Asked
from paddle_serving_runtime.supervisor.recomputation import golden_only, recompute
from paddle_serving_runtime.supervisor.settings import ServeSettings
from paddle_serving_runtime.verdict.consistency import Consistency
from paddle_serving_runtime.words import counted, visible

CONFIRMED, DIFFERS, IN_PART = 0, 3, 8
_NAME = "verify"
_REQUEST_SECONDS = 60.0
_MAX_BODY_BYTES = 64 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `verify`."""
    parser.add_argument("report", metavar="REPORT", help="a file with the report or with its ConfigMap; - for stdin")
    parser.add_argument("--model-dir", type=Path, required=True, help="the model package that the report is about")
    parser.add_argument("--public-key", type=Path, metavar="FILE", help="refuse what is not signed with this key (PEM)")
    add_image_digest(parser)


def run(arguments: argparse.Namespace) -> int:
    """0 where the report is confirmed, 3 where something differs, 8 where something cannot be compared here.

    Raises ReportUnreadable, SignatureInvalid, and the ServingError of a package that cannot be loaded.
    """
    key = load_public_key(arguments.public_key) if arguments.public_key else None
    image = checked_image_digest(arguments.image_digest)
    report = read_report(_content(arguments.report))
    print(_signed_by(check_signature(report, key), trusted=key is not None))
    require_readable(arguments.model_dir)
    findings = [*_identity(report, arguments.model_dir)]
    here: Mapping[str, Any] | None = None
    if not findings:
        here, findings = _computed(report, arguments.model_dir, image)
    for finding in findings:
        print(visible(f"{'differs' if finding.differs else 'not compared'}: {finding.part}: {finding.sentence}"))
    for note in _notes(report):
        print(f"note: {note}")
    return _summed_up(findings, here)


def _content(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise ReportUnreadable(f"{name} cannot be read: {error.strerror or error}.") from None


def _signed_by(key: str, *, trusted: bool) -> str:
    if not key:
        return "not signed: whoever could write it could have made it up"
    return f"signed with {key}" + ("" if trusted else ", and nobody has said whose that is: --public-key FILE")


def _identity(report: Mapping[str, Any], model_dir: Path) -> Iterator[Finding]:
    """What forbids to compute anything: another package, or a report that does not say that anything was proved."""
    if not model_dir.is_dir():
        raise ModelUnavailable(f"{model_dir} is not a directory. Give the directory of a model package.")
    told, found = report["modelDigest"], manifest.digest_of(model_dir)
    if not told:
        yield Finding("model", "the report does not say which package it is about.")
    elif told != found:
        yield Finding("model", _why(model_dir, told, found))
    told, found = report["goldenDigest"], manifest.folder_digest(model_dir, GOLDEN)
    if told != found:
        yield Finding("golden set", f"{told or 'none'} in the report, {found or 'none'} here.")
    if report["verdict"] == "None":
        why = next(iter(report["differences"]), "nothing was compared.")
        yield Finding("answers", f"the report itself does not say that the service is right: {why}")


def _why(model_dir: Path, told: str, found: str) -> str:
    if (model_dir / manifest.MANIFEST).is_file():
        try:
            manifest.verify(model_dir, told)
        except ServingError as error:
            return error.message
    return f"{told} in the report, {found or 'no package'} here."


def _computed(report: Mapping[str, Any], model_dir: Path, image: str) -> tuple[Mapping[str, Any] | None, list[Finding]]:
    """The report of this machine, and what differs; None where the answers cannot be computed here."""
    settings = _settings(report, model_dir.resolve(), image)
    try:
        here = _report_here(settings, asked="url" in report)
    except InvalidOption as error:
        if settings.computing.device == "cpu":
            return None, [Finding("switches", error.message)]
        try:
            cpu = replace(settings, computing=replace(settings.computing, device="cpu"))
            here = _report_here(cpu, asked="url" in report)
        except InvalidOption as still:
            return None, [Finding("device", still.message, differs=False)]
    return here, [*origin_findings(report, here), *result_findings(report, here)]


def _report_here(settings: ServeSettings, *, asked: bool) -> Mapping[str, Any]:
    """The report of a worker of this machine; where the other one `asked` an endpoint, about the same samples."""
    started = time.monotonic()
    print("computing the answers ...", file=sys.stderr)
    folder = working_folder()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            proof = asyncio.run(recompute(settings, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"... done in {time.monotonic() - started:.1f} s", file=sys.stderr)
    return document(golden_only(proof, settings) if asked else proof)


def _settings(report: Mapping[str, Any], model_dir: Path, image: str) -> ServeSettings:
    """What the report says `serve` was told, as far as it changes answers."""
    switches, compared = report["switches"], report["consistency"]
    return ServeSettings(
        model_dir=model_dir,
        name=_NAME,
        workers=1,
        computing=Computing(
            ir_optim=switches["irOptim"],
            onednn=switches["oneDNN"],
            threads=switches["threads"],
            device=report["device"],
            overrides=tuple(switches["overrides"].items()),
            script=switches["script"],
            backend=_backend(report["backend"]),
        ),
        batching=OFF,
        http_port=0,
        grpc_port=0,
        admin_port=0,
        drain_delay=0,
        drain_timeout=0,
        request_timeout=_REQUEST_SECONDS,
        queue=1,
        max_body_bytes=_MAX_BODY_BYTES,
        digest=report["modelDigest"],
        consistency=Consistency(
            exact=compared["mode"] == "exact",
            rtol=compared["rtol"],
            atol=compared["atol"],
            require=compared["require"],
            required=True,
            max_tolerance=compared["maxTolerance"],
        ),
        log_level="error",
        engine=switches["engine"] or "direct",
        legacy_status=False,
        standby=False,
        image_digest=image,
    )


def _backend(name: str) -> Asked:
    """Raises ReportUnreadable for one that this runtime has not heard of."""
    for known in BACKENDS:
        if name == known:
            return known
    raise ReportUnreadable(f"the report's backend is {name!r:.80}; this runtime has {', '.join(BACKENDS)}.")


def _notes(report: Mapping[str, Any]) -> Iterator[str]:
    """What a reader should know, and what nobody can compute again."""
    compared = report["consistency"]
    if compared["mode"] == "tolerance":
        yield f"served answers may be off by rtol {compared['rtol']:g} and atol {compared['atol']:g}"
    if compared["maxTolerance"] > MAX_TOLERANCE:
        yield f"recorded tolerances of up to {compared['maxTolerance']:g} were let pass"
    if not compared["required"]:
        yield "the pod would have served also if its answers had been wrong"
    if report["imageDigest"] is None:
        yield "the report does not say which image it is of"
    for name in ("choice", "drift", "recheck"):
        if report.get(name) is not None:
            yield f"{name} is about other pods or times, and is not computed again"


def _summed_up(findings: Sequence[Finding], here: Mapping[str, Any] | None) -> int:
    """Prints the last line; the exit status."""
    if wrong := sum(finding.differs for finding in findings):
        print(f"NOT confirmed: {counted(wrong, 'difference')}.")
        return DIFFERS
    if here is None:
        print("NOT confirmed: the answers cannot be computed on this machine.")
        return IN_PART
    numbers = counted(here["samples"], "sample"), counted(here["counts"]["comparisons"], "comparison")
    what = f"verdict {here['verdict']}, {', '.join(numbers)}"
    if findings:
        parts = ", ".join(dict.fromkeys(finding.part for finding in findings))
        print(f"Confirmed in part, {what}: not everything can be compared on this machine ({parts}).")
        return IN_PART
    print(f"Confirmed, {what}: the same answers, bit for bit.")
    return CONFIRMED
