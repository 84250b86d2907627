"""Whether a cluster can mount a model image: its API server drops such volumes without a word where it cannot."""

import logging
from dataclasses import replace

from paddle_serving_operator.api.sources import ImageSource
from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.constants import DEPLOYMENT, Manifest
from paddle_serving_operator.kube.cluster import Cluster
from paddle_serving_operator.kube.errors import Forbidden, Invalid
from paddle_serving_operator.settings import Profile

log = logging.getLogger(__name__)


class ImageVolumes:
    """What the API server does with image volumes. For several threads.

    It is asked once for each namespace, since a policy may refuse them in one of them: an answer that changed while
    API servers are replaced one by one would make another revision of every service that has its model in an image.
    """

    def __init__(self) -> None:
        self._kept: dict[str, bool] = {}

    def within_reach(self, cluster: Cluster, namespace: str, spec: ServiceSpec, profile: Profile) -> Profile:
        """The profile; where the model image of this spec cannot be mounted, one that has it copied.

        Raises what the cluster raises where repeating helps.
        """
        if not profile.image_volumes or not isinstance(spec.model.source, ImageSource):
            return profile
        if namespace not in self._kept:
            self._kept.setdefault(namespace, _keeps(cluster, namespace))
        return profile if self._kept[namespace] else replace(profile, image_volumes=False)


def _keeps(cluster: Cluster, namespace: str) -> bool:
    try:
        stored = cluster.dry_run(DEPLOYMENT, namespace, _question())
    except (Forbidden, Invalid) as error:  # Invalid before Kubernetes 1.31, which does not know the field
        log.warning("model images are copied, not mounted: namespace %s takes no image volume: %s", namespace, error)
        return False
    kept = any("image" in volume for volume in stored["spec"]["template"]["spec"].get("volumes", ()))
    if not kept:
        log.warning(
            "model images are copied, not mounted: the API server drops image volumes. Kubernetes has them from 1.35, "
            "and from 1.33 with the feature gate ImageVolume. Start the operator again once it has them."
        )
    return kept


def _question() -> Manifest:
    """A Deployment with an image volume, which is never made. Policies see it like any other."""
    labels = {"app.kubernetes.io/name": "image-volumes"}
    security = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    amounts = {"cpu": "1m", "memory": "1Mi"}
    container = {
        "name": "serve",
        "image": "image-volumes:0",
        "resources": {"limits": amounts, "requests": amounts},
        "securityContext": security,
        "volumeMounts": [{"name": "models", "mountPath": "/models", "readOnly": True}],
    }
    volume = {"name": "models", "image": {"reference": "image-volumes:0"}}
    return {
        "apiVersion": DEPLOYMENT.api_version,
        "kind": DEPLOYMENT.kind,
        "metadata": {"generateName": "image-volumes-", "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container], "volumes": [volume]}},
        },
    }
