"""`digest`: which models answer."""

from collections.abc import Iterator
from dataclasses import dataclass

import click

from paddle_serving_operator.plugin.cluster import Cluster
from paddle_serving_operator.plugin.options import all_namespaces, connected, many_names, output
from paddle_serving_operator.plugin.printing import emit
from paddle_serving_operator.plugin.text import table
from paddle_serving_operator.view.service import Service, services_of


@dataclass(frozen=True, slots=True)
class Answering:
    """A model that answers: `ready` pods have the `weight` percent of the traffic. `proved`: the verdict, or ""."""

    namespace: str
    name: str
    revision: str
    weight: int
    ready: int
    proved: str
    model_digest: str


@click.command()
@many_names
@all_namespaces
@output("json", "yaml")
@connected
def digest(cluster: Cluster, names: tuple[str, ...], form: str | None) -> None:
    """Show which models answer now.

    Their digests, with what their revision proved. Compare them with `paddle-serving-runtime digest DIR` of the
    copy that you trust.
    """
    found = tuple(line for service in services_of(cluster.services(names)) for line in _answering(service))
    emit(form, found, lambda: _text(found))


def _answering(service: Service) -> Iterator[Answering]:
    for track in service.tracks:
        if track.weight and track.ready:
            proof = service.proof
            proved = proof.verdict if proof and proof.revision == track.revision else ""
            yield Answering(
                service.namespace, service.name, track.revision, track.weight, track.ready, proved, track.model_digest
            )


def _text(found: tuple[Answering, ...]) -> str:
    if not found:
        return "No model answers."
    head = ("NAMESPACE", "NAME", "REVISION", "WEIGHT", "READY", "PROVED", "MODEL")
    rows = [
        (item.namespace, item.name, item.revision, f"{item.weight}%", item.ready, item.proved, item.model_digest)
        for item in found
    ]
    return table(head, rows)
