"""`undo`: asks for an earlier revision again, by writing its fields back into the spec."""

from dataclasses import dataclass
from datetime import UTC, datetime

import click

from paddle_serving_operator.constants import REVISION_FIELDS
from paddle_serving_operator.plugin.cluster import Cluster
from paddle_serving_operator.plugin.kubectl import Json
from paddle_serving_operator.plugin.options import complete_revisions, connected, one_name, output
from paddle_serving_operator.plugin.printing import emit, say
from paddle_serving_operator.plugin.problems import Cause, KubectlError, ProblemError
from paddle_serving_operator.plugin.records import by_name, newest
from paddle_serving_operator.view.difference import Change, changes, revision_part
from paddle_serving_operator.view.history import Record, before
from paddle_serving_operator.view.overview import Overview, overview
from paddle_serving_operator.view.owner import Owner, owner_of
from paddle_serving_operator.view.raw import Raw, object_at, whole_at

ATTEMPTS = 10  # the operator may write the status in the same moment, again and again


@dataclass(frozen=True, slots=True)
class Undone:
    """What was, or would be, written: the fields of `revision`."""

    name: str
    revision: Record
    changes: tuple[Change, ...]
    dry_run: bool


@click.command()
@one_name
@click.option(
    "--to-revision",
    metavar="REVISION",
    help="By number or name; by default the one that serves, or, where that is the newest, the one before.",
    shell_complete=complete_revisions,
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and whether the API server would take it.")
@click.option("--force", is_flag=True, help="Also where Argo CD or Flux owns the spec and will write its own back.")
@output("json", "yaml")
@connected
def undo(cluster: Cluster, name: str, to_revision: str | None, form: str | None, *, dry_run: bool, force: bool) -> None:
    """Ask for an earlier revision again.

    Its model, image, resources and whatever else makes a revision are written back into the spec. It is rolled out
    as any change is, with its proof. Replicas and the strategy stay as they are.
    """
    objects = cluster.objects(name, "revisions")
    found = overview(objects, datetime.now(UTC))
    record = by_name(found, to_revision) if to_revision else _earlier(found)
    wanted = _recorded(record)
    _mind(owner_of(objects.service), name, force=force or dry_run)
    done = _write(cluster, name, objects.service, wanted, dry_run=dry_run)
    undone = Undone(name, record, done, dry_run)
    emit(form, undone, lambda: _text(undone))


def _earlier(found: Overview) -> Record:
    last = newest(found)
    serving = next((item for item in found.records if item.revision == found.rollout.stable), None)
    record = serving if serving is not None and serving != last else before(found.records, last)
    if record is None:
        raise ProblemError(f"There is no revision before {last.title}. `kubectl paddle history {found.service.name}`")
    return record


def _recorded(record: Record) -> Raw:
    if record.spec is None:
        raise ProblemError(
            f"Revision {record.title} was recorded by an operator that did not keep the spec. Apply the manifest that "
            f"it was made of again; its model has the digest {record.model_digest}, its image is {record.image}."
        )
    return record.spec


def _mind(owner: Owner | None, name: str, *, force: bool) -> None:
    """Says whose spec this is. Raises ProblemError where the change would not last."""
    if owner is None:
        return
    place = f" ({owner.place})" if owner.place else ""
    if not owner.reverts:
        say(
            f"{owner.tool}{place} wrote this spec: change its values, too, or its next upgrade undoes this undo.",
            err=True,
        )
    elif not force:
        raise ProblemError(
            f"{owner.tool}{place} owns the spec of {name} and would put its own back. Revert the change where it reads "
            f"it, in git; `kubectl paddle abort {name}` stops a rollout at once. --force writes it all the same."
        )


def _write(cluster: Cluster, name: str, service: Json | Raw, wanted: Raw, *, dry_run: bool) -> tuple[Change, ...]:
    """Writes the fields; returns what changes, as the API server says in a dry run: it fills in defaults.

    A conflict is tried again where only the status had changed.
    """
    generation, current = whole_at(service, "metadata", "generation"), dict(service)
    for _ in range(ATTEMPTS):
        spec = object_at(current, "spec")
        kept = {field: value for field, value in spec.items() if field not in REVISION_FIELDS}
        body = {**current, "spec": {**kept, **wanted}}
        try:
            tried = cluster.replace(body, dry_run=True)
            done = changes(revision_part(spec), revision_part(object_at(tried, "spec")))
            if done and not dry_run:
                cluster.replace(body)
        except KubectlError as error:
            current = cluster.service(name)
            if error.cause is not Cause.CONFLICT or whole_at(current, "metadata", "generation") != generation:
                raise
        else:
            return done
    raise ProblemError(f"{name} changes faster than it can be written. Repeat the command.")


def _text(undone: Undone) -> str:
    title, name = undone.revision.title, undone.name
    if not undone.changes:
        return f"{name} asks for revision {title} already. Nothing to change."
    verb = "would ask" if undone.dry_run else "asks"
    lines = [f"{name} {verb} for revision {title} again:", *(f"  {change.sentence}" for change in undone.changes)]
    if not undone.dry_run:
        lines.append(f"It is proved before it gets traffic; follow it with `kubectl paddle watch {name}`.")
    return "\n".join(lines)
