"""From a spec to what it asks of a rollout. Pure."""

from paddle_serving_operator.api.types import ServiceSpec, Strategy
from paddle_serving_operator.api.verbs import parse_verb
from paddle_serving_operator.constants import Key, Manifest
from paddle_serving_operator.desired import names
from paddle_serving_operator.desired.revision import Revision
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.shares import amount


def intent_of(key: Key, resource: Manifest, spec: ServiceSpec, revision: Revision) -> Intent:
    """What the PaddleService asks for; its annotations may have a verb."""
    return Intent(
        key=key,
        generation=resource["metadata"]["generation"],
        revision=revision.name,
        model_digest=revision.model_digest,
        image=revision.image,
        replicas=spec.replicas,
        progress_deadline=spec.rollout.progress_deadline,
        paused=spec.rollout.paused,
        consistency_required=spec.consistency.required,
        url=names.url(key, tls=bool(spec.security.tls_secret)),
        budgeted=spec.disruption.enabled,
        require=spec.consistency.require,
        steps=spec.rollout.steps,
        capacity_first=spec.rollout.strategy is Strategy.RECREATE,
        surge=amount(spec.rollout.max_surge, spec.replicas),
        unavailable=amount(spec.rollout.max_unavailable, spec.replicas),
        rollback=spec.rollout.auto_rollback,
        analysis=spec.rollout.analysis,
        drift=spec.rollout.drift,
        traffic=spec.traffic.mode,
        verb=parse_verb(resource["metadata"].get("annotations")),
    )
