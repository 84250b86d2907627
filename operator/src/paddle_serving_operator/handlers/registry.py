"""kopf, and only here: events of the cluster become keys in the queue."""

from dataclasses import dataclass
from datetime import timedelta

import kopf

from paddle_serving_operator.constants import (
    DEPLOYMENT,
    FIELD_MANAGER,
    GROUP,
    LABEL_MANAGED_BY,
    LABEL_SERVICE,
    PLURAL,
    POD,
    SERVICE,
    VERSION,
    Key,
)
from paddle_serving_operator.reconcile.queue import Queue
from paddle_serving_operator.reconcile.workers import Workers

OLDEST_ALLOWED = timedelta(minutes=5)  # a pass has time-outs of 30 s; past this the workers are dead or stuck
WATCH_SECONDS = 600  # whole seconds: kopf writes it into the URL as it is
CONNECT_SECONDS = 10
REQUEST_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Memo:
    """What the handlers share."""

    queue: Queue
    workers: Workers


def operator_settings() -> kopf.OperatorSettings:
    """Kopf's settings: it watches and tells, and never writes to an object."""
    settings = kopf.OperatorSettings()
    settings.peering.standalone = (
        True  # a second operator is harmless; an object named "default" must not stop this one
    )
    settings.posting.enabled = False  # log lines are no events
    settings.scanning.disabled = True  # no rights on namespaces and CRDs needed; the CRD is checked at the start
    settings.watching.server_timeout = WATCH_SECONDS
    settings.watching.client_timeout = WATCH_SECONDS + CONNECT_SECONDS
    settings.watching.connect_timeout = CONNECT_SECONDS
    settings.networking.connect_timeout = CONNECT_SECONDS
    settings.networking.request_timeout = REQUEST_SECONDS
    ours = f"{LABEL_MANAGED_BY}={FIELD_MANAGER}"
    settings.watching.label_selectors["apps", "v1", DEPLOYMENT.plural] = ours
    settings.watching.label_selectors["", "v1", POD.plural] = ours
    settings.watching.label_selectors["", "v1", SERVICE.plural] = ours
    return settings


def make_registry() -> kopf.OperatorRegistry:
    """The handlers. Nothing is registered at import, so that every test has its own."""
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry, id="login", errors=kopf.ErrorsMode.PERMANENT)(login)
    kopf.on.probe(registry=registry, id="queue")(probe)
    kopf.on.event(GROUP, VERSION, PLURAL, registry=registry, id="service")(on_service_event)
    kopf.on.event("apps", "v1", DEPLOYMENT.plural, registry=registry, id="deployment")(on_child_event)
    kopf.on.event("", "v1", POD.plural, registry=registry, id="pod")(on_child_event)
    # a Service that somebody deleted or bent is an outage until it is mended
    kopf.on.event("", "v1", SERVICE.plural, registry=registry, id="address")(on_child_event)
    return registry


async def login(settings: kopf.OperatorSettings, logger: kopf.Logger, **_: object) -> kopf.ConnectionInfo | None:
    """The service account of the pod, else the kubeconfig; nothing is guessed from installed libraries."""
    del logger
    return kopf.login_with_service_account(settings=settings) or kopf.login_with_kubeconfig(settings=settings)


async def probe(memo: Memo, **_: object) -> dict[str, float | int]:
    """What /healthz answers. It fails (HTTP 500) when nobody works on the queue any more."""
    age = memo.queue.oldest_age()
    if not memo.workers.alive() or age > OLDEST_ALLOWED:
        raise kopf.PermanentError(
            f"the reconcile threads are dead or stuck: the oldest work has been waiting for {age}"
        )
    return {"oldestSeconds": round(age.total_seconds(), 3), "waiting": len(memo.queue)}


async def on_service_event(namespace: str | None, name: str | None, memo: Memo, **_: object) -> None:
    """A PaddleService appeared, changed or went."""
    if namespace and name:
        memo.queue.add(Key(namespace, name))


async def on_child_event(namespace: str | None, labels: kopf.Labels, memo: Memo, **_: object) -> None:
    """A Deployment, pod or Service of ours changed."""
    if namespace and (name := labels.get(LABEL_SERVICE)):
        memo.queue.add(Key(namespace, name))
