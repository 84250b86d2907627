"""Names and labels of everything that the operator makes. Nothing else makes names."""

import hashlib
import re

from paddle_serving_operator.constants import (
    APP_NAME,
    FIELD_MANAGER,
    LABEL_INSTANCE,
    LABEL_MANAGED_BY,
    LABEL_NAME,
    LABEL_REVISION,
    LABEL_SERVICE,
    SERVICE_PORT,
    Key,
)

MAX_LABEL = 63  # RFC 1123 labels and values of Kubernetes labels
HASH_DIGITS = 10


def fit(name: str, ending: str = "", limit: int = MAX_LABEL) -> str:
    """`name` + `ending` within the limit. A longer name is cut and ends with a hash of the whole, so two stay two."""
    if len(name) + len(ending) <= limit:
        return name + ending
    digest = hashlib.sha256(name.encode()).hexdigest()[:HASH_DIGITS]
    kept = name[: limit - len(ending) - HASH_DIGITS - 1].rstrip("-.")
    return f"{kept}-{digest}{ending}"


def deployment(name: str, revision: str) -> str:
    """Name of a revision's Deployment and ControllerRevision."""
    return fit(name, f"-{revision}")


def traffic_service(name: str) -> str:
    """Name of the Service that users call."""
    return fit(name)


def stable_service(name: str) -> str:
    """Name of the Service of the stable revision."""
    return fit(name, "-stable")


def canary_service(name: str) -> str:
    """Name of the Service of the candidate."""
    return fit(name, "-canary")


def report(name: str, revision: str) -> str:
    """Name of the ConfigMap with what a revision proved."""
    return fit(name, f"-{revision}-report")


def disruption_budget(name: str) -> str:
    """Name of the PodDisruptionBudget."""
    return fit(name)


def service_account(name: str) -> str:
    """Name of the pods' ServiceAccount."""
    return fit(name)


def url(key: Key, *, tls: bool = False) -> str:
    """Address of the traffic Service inside the cluster; the resolver's search path completes the cluster's domain."""
    host = f"{traffic_service(key.name)}.{key.namespace}.svc"
    return f"https://{host}:{SERVICE_PORT}" if tls else f"http://{host}"


def labels(name: str) -> dict[str, str]:
    """Labels of every object of one PaddleService."""
    return {
        LABEL_NAME: APP_NAME,
        LABEL_INSTANCE: fit(name),
        LABEL_MANAGED_BY: FIELD_MANAGER,
        LABEL_SERVICE: fit(name),
    }


def revision_labels(name: str, revision: str) -> dict[str, str]:
    """Labels of what belongs to one revision."""
    return labels(name) | {LABEL_REVISION: revision}


def pod_selector(name: str, revision: str) -> dict[str, str]:
    """Selects the pods of one revision. Deployments cannot change theirs: keep it for ever."""
    return {LABEL_SERVICE: fit(name), LABEL_REVISION: revision}


def broad_selector(name: str) -> dict[str, str]:
    """Selects the pods of every revision, while two of them share the traffic."""
    return {LABEL_SERVICE: fit(name)}


def service_selector(name: str) -> str:
    """Selects everything of one PaddleService, in the API's string form."""
    return f"{LABEL_SERVICE}={fit(name)}"


def selector_text(selector: dict[str, str]) -> str:
    """A selector in the API's string form."""
    return ",".join(f"{name}={value}" for name, value in sorted(selector.items()))


def is_revision(text: str) -> bool:
    """Whether a label's value can be a revision of ours."""
    return re.fullmatch(rf"[0-9a-f]{{{HASH_DIGITS}}}", text) is not None
