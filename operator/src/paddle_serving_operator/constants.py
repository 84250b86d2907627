"""Names that the operator, its charts and its users share. Values only."""

from typing import Any, Final, NamedTuple, TypeAlias

Manifest: TypeAlias = dict[str, Any]
"""An object of the Kubernetes API as JSON; its shape is checked by the API server and by the golden tests."""

GROUP: Final = "serving.paddlepaddle.org"
VERSION: Final = "v1alpha1"
PLURAL: Final = "paddleservices"

FIELD_MANAGER: Final = "paddle-serving-operator"

LABEL_NAME: Final = "app.kubernetes.io/name"
LABEL_INSTANCE: Final = "app.kubernetes.io/instance"
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LABEL_SERVICE: Final = f"{GROUP}/service"
LABEL_REVISION: Final = f"{GROUP}/revision"
LABEL_SERVICE_NAME: Final = "kubernetes.io/service-name"
"""On an EndpointSlice, the name of its Service."""
APP_NAME: Final = "paddle-serving"

ANNOTATION_APPLIED: Final = f"{GROUP}/applied"
"""Hash of the manifest as it was applied, on every object that the operator makes."""

ANNOTATION_SPEC: Final = f"{GROUP}/spec"
"""On a ControllerRevision: the fields of the PaddleService that made it, as JSON."""

ANNOTATION_ACCOUNT: Final = f"{GROUP}/service-account"
"""On pods: the annotations of the operator's own account. Cloud identities are read from them when a pod is made."""

ANNOTATION_VERB: Final = f"{GROUP}/verb"
"""On a PaddleService: `<verb> <token>`, an order to its rollout."""

EVERYWHERE: Final = ""
"""In the place of a namespace: all of them."""

REVISION_FIELDS: Final = ("runtime", "image", "resources", "model", "engine", "consistency", "drain", "security", "pod")
"""The fields below spec that make a revision: they may change its pods, the others play no part in what answers."""

NO_REVISION: Final = "none"
"""Value of the revision label in the selector of a Service that may not have traffic yet; no pod carries it."""

MODELS_VOLUME: Final = "models"
"""Of a pod: where `serve` reads its package."""

HTTP_PORT: Final = 8080
GRPC_PORT: Final = 9000
ADMIN_PORT: Final = 8081
SERVICE_PORT: Final = 80


class Kind(NamedTuple):
    """A kind of the Kubernetes API: apiVersion, kind, and the plural of its URL."""

    api_version: str
    kind: str
    plural: str


PADDLE_SERVICE: Final = Kind(f"{GROUP}/{VERSION}", "PaddleService", PLURAL)
DEPLOYMENT: Final = Kind("apps/v1", "Deployment", "deployments")
CONTROLLER_REVISION: Final = Kind("apps/v1", "ControllerRevision", "controllerrevisions")
POD: Final = Kind("v1", "Pod", "pods")
SERVICE: Final = Kind("v1", "Service", "services")
SERVICE_ACCOUNT: Final = Kind("v1", "ServiceAccount", "serviceaccounts")
DISRUPTION_BUDGET: Final = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
CONFIG_MAP: Final = Kind("v1", "ConfigMap", "configmaps")
ENDPOINT_SLICE: Final = Kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")
EVENT: Final = Kind("events.k8s.io/v1", "Event", "events")

AUTOSCALER: Final = Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
HTTP_ROUTE: Final = Kind("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")

OWNED_KINDS: Final = (
    SERVICE_ACCOUNT,
    CONTROLLER_REVISION,
    CONFIG_MAP,
    DEPLOYMENT,
    SERVICE,
    DISRUPTION_BUDGET,
    AUTOSCALER,
)
"""What the operator makes, in the order in which it is applied: a pod needs its account, a Service its pods."""


class Key(NamedTuple):
    """Namespace and name of one PaddleService."""

    namespace: str
    name: str

    def path(self) -> str:
        """namespace/name, as messages show it."""
        return f"{self.namespace}/{self.name}"
