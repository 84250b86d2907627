"""The commands that sentences suggest, complete: whoever reads a condition pastes them as they are."""

from paddle_serving_operator.constants import LABEL_REVISION, Key


def paddle(verb: str, key: Key) -> str:
    """A verb of kubectl's plugin."""
    return f"`kubectl paddle {verb} {key.name} -n {key.namespace}`"


def scale_to_one(key: Key) -> str:
    """The end of being scaled to nothing."""
    return f"`kubectl scale psvc {key.name} -n {key.namespace} --replicas=1`"


def describe_pods(revision: str, key: Key) -> str:
    """What Kubernetes says of the pods of a revision."""
    return f"`kubectl describe pods -n {key.namespace} -l {LABEL_REVISION}={revision}`"


def batching_log(pod: str, key: Key) -> str:
    """What a pod says of the audit that ended its shared runs."""
    return f"`kubectl logs {pod} -n {key.namespace} -c serve | grep 'batching is off'`"


def describe_route(key: Key) -> str:
    """What a Gateway says of the HTTPRoute."""
    return f"`kubectl describe httproute {key.name} -n {key.namespace}`"
