"""`get`: the services, a line each."""

import json
from datetime import UTC, datetime

import click

from paddle_serving_operator.plugin.cluster import Cluster
from paddle_serving_operator.plugin.options import all_namespaces, connected, many_names, output
from paddle_serving_operator.plugin.printing import age, say, yaml_text
from paddle_serving_operator.plugin.text import table
from paddle_serving_operator.view.raw import Raw
from paddle_serving_operator.view.service import Service, services_of
from paddle_serving_operator.view.words import short

HEAD = ("NAME", "READY", "PHASE", "STEP", "WEIGHT", "REVISION", "CONSISTENT", "AGE")
WIDE = ("PODS", "MODEL", "IMAGE", "URL")


@click.command()
@many_names
@all_namespaces
@output("json", "yaml", "wide")
@connected
def get(cluster: Cluster, names: tuple[str, ...], form: str | None) -> None:
    """List services and how far they are.

    READY says whether the promised pods answer, the rest how far the newest spec is. WEIGHT is what the revision
    that is being rolled out has of the traffic, REVISION the one that has the rest.
    -o json and yaml print the objects of the API.
    """
    found = cluster.services(names)
    if form in {"json", "yaml"}:
        body = found[0] if len(names) == 1 else {"apiVersion": "v1", "kind": "List", "items": list(found)}
        click.echo(json.dumps(body, indent=2, ensure_ascii=False) if form == "json" else yaml_text(body).rstrip())
    elif found:
        say(_text(found, everywhere=not cluster.namespace, wide=form == "wide"))
    else:
        place = f'namespace "{cluster.namespace}"' if cluster.namespace else "the cluster"
        click.echo(f"There is no PaddleService in {place}.", err=True)


def _text(found: tuple[Raw, ...], *, everywhere: bool, wide: bool) -> str:
    now = datetime.now(UTC)
    head = (*(["NAMESPACE"] if everywhere else []), *HEAD, *(WIDE if wide else ()))
    rows = (
        (
            *([service.namespace] if everywhere else []),
            *_row(service, now),
            *(_wide(service) if wide else ()),
        )
        for service in services_of(found)
    )
    return table(head, rows)


def _row(service: Service, now: datetime) -> tuple[object, ...]:
    ready = service.condition("Ready")
    return (
        service.name,
        ready.status if ready else "",
        service.phase if service.observed else "Pending",
        service.step,
        f"{service.canary.weight}%" if service.canary else "",
        service.stable.revision if service.stable else "",
        service.proof.verdict if service.proof else "",
        age(service.created, now),
    )


def _wide(service: Service) -> tuple[object, ...]:
    stable = service.stable
    if stable is None:
        return ("", "", "", service.url)
    return (f"{stable.ready}/{service.wanted}", short(stable.model_digest), stable.image, service.url)
