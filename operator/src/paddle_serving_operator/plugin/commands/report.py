"""`report`: what a revision's pod proved, whole."""

from datetime import UTC, datetime

import click

from paddle_serving_operator.plugin.cluster import Cluster
from paddle_serving_operator.plugin.options import complete_revisions, connected, one_name, output
from paddle_serving_operator.plugin.printing import emit, paragraphs
from paddle_serving_operator.plugin.problems import ProblemError
from paddle_serving_operator.plugin.proofs import elements_table, proof_lines
from paddle_serving_operator.plugin.records import by_name
from paddle_serving_operator.plugin.text import pairs, section, table
from paddle_serving_operator.view.overview import Overview, overview, report_texts
from paddle_serving_operator.view.proof import Report
from paddle_serving_operator.view.words import number


@click.command()
@one_name
@click.option(
    "--revision",
    metavar="REVISION",
    help="By number or name; by default the newest.",
    shell_complete=complete_revisions,
)
@output("json", "yaml")
@connected
def report(cluster: Cluster, name: str, revision: str | None, form: str | None) -> None:
    """Show what a revision's pod proved.

    Every tensor of every sample, and how far the answers are from those of the revision that served.

    -o json gives the file that `paddle-serving-runtime verify` takes, to the byte as the pod answered it.
    """
    objects = cluster.objects(name, "revisions", "reports")
    found = overview(objects, datetime.now(UTC))
    wanted = _revision(found, revision)
    texts = report_texts(objects.reports, found.service.uid)
    if wanted not in texts:
        raise ProblemError(_missing(found, wanted, tuple(texts)))
    if form == "json":
        click.echo(texts[wanted], nl=not texts[wanted].endswith("\n"))
        return
    parsed = found.reports.get(wanted)
    if parsed is None:
        raise ProblemError(f"The report of revision {wanted} cannot be read. See it with -o json.")
    emit(form, parsed, lambda: report_text(parsed))


def _revision(found: Overview, chosen: str | None) -> str:
    if chosen is not None:
        return by_name(found, chosen).revision
    service = found.service
    newest = found.rollout.candidate or (service.stable.revision if service.stable else "")
    if not newest:
        raise ProblemError(f"{service.name} has no revision yet. {service.explanation}".rstrip())
    return newest


def _missing(found: Overview, wanted: str, others: tuple[str, ...]) -> str:
    text = (
        f"There is no report of revision {wanted} yet: its first pod gives it when it has answered the golden samples."
    )
    state = f" {found.service.explanation}" if wanted == found.rollout.candidate else ""
    others_text = f" There are reports of {', '.join(sorted(others))}; choose one with --revision." if others else ""
    return f"{text}{state}{others_text}"


def report_text(found: Report) -> str:
    """The whole, in paragraphs."""
    proof = found.proof
    facts = pairs(
        (
            ("Model", found.model_digest),
            ("Golden samples", found.golden_digest),
            ("Runtime image", found.image_digest),
            ("Runtime", found.runtime_version),
            ("Processor", found.processor),
            ("Signature", "yes, see `paddle-serving-runtime verify`" if found.signed else "none"),
        )
    )
    return paragraphs(
        (
            proof_lines(proof),
            facts,
            section("Differences", "\n".join(found.differences)) if found.differences else "",
            section("Comparisons", _comparisons(found)) if found.comparisons else "",
            section("Worst elements", elements_table(found.apart())) if found.apart() else "",
            section("Drift", elements_table(proof.drift.worst)) if proof.drift and proof.drift.worst else "",
        )
    )


def _comparisons(found: Report) -> str:
    head = ("SAMPLE", "TENSOR", "AGAINST", "ELEMENTS", "ABSOLUTE", "RELATIVE", "EQUAL")
    rows = [
        (
            item.sample,
            item.tensor,
            item.against,
            str(item.elements),
            number(item.absolute),
            number(item.relative),
            "yes" if item.equal else "no",
        )
        for item in found.comparisons
    ]
    omitted = f"\n{found.omitted} comparisons with smaller differences are left out." if found.omitted else ""
    return table(head, rows) + omitted
