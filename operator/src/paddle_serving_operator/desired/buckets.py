"""What a container needs to fetch from a bucket: variables with keys, a file with an account, a CA's certificates."""

from paddle_serving_operator.api.sources import BucketSource
from paddle_serving_operator.constants import Manifest
from paddle_serving_operator.desired import arguments

_REQUIRED_KEYS = {
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "oss": ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"),
}
_SESSION_TOKEN = {"s3": "AWS_SESSION_TOKEN", "oss": "OSS_SESSION_TOKEN"}
_GOOGLE = "gs"


def variables(source: BucketSource) -> list[Manifest]:
    """The variables of the container that fetches; the kubelet reads keys out of the Secret, the operator never."""
    secret = source.credentials_secret
    if not secret:
        return []
    if source.scheme == _GOOGLE:
        return [{"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": arguments.ACCOUNT_FILE}]
    required = [from_secret(secret, key) for key in _REQUIRED_KEYS[source.scheme]]
    return [*required, from_secret(secret, _SESSION_TOKEN[source.scheme], optional=True)]


def from_secret(secret: str, key: str, *, optional: bool = False) -> Manifest:
    """A variable that the kubelet reads out of a Secret; the operator never sees its value."""
    reference: Manifest = {"name": secret, "key": key} | ({"optional": True} if optional else {})
    return {"name": key, "valueFrom": {"secretKeyRef": reference}}


def mounts(source: BucketSource) -> list[Manifest]:
    """The mounts of the container that fetches, of `volumes`."""
    found = [("ca", arguments.CA)] if source.ca_config_map else []
    found += [("account", arguments.ACCOUNT)] if _has_account(source) else []
    return [{"name": name, "mountPath": path, "readOnly": True} for name, path in found]


def volumes(source: BucketSource) -> list[Manifest]:
    """The pod's volumes; optional, because a pod that waits for one says so nowhere in its status, and fetch does."""
    found: list[Manifest] = []
    if source.ca_config_map:
        found.append({"name": "ca", "configMap": {"name": source.ca_config_map, "optional": True}})
    if _has_account(source):
        items = [{"key": arguments.ACCOUNT_KEY, "path": arguments.ACCOUNT_KEY}]
        secret = {"secretName": source.credentials_secret, "items": items, "defaultMode": 0o440, "optional": True}
        found.append({"name": "account", "secret": secret})
    return found


def _has_account(source: BucketSource) -> bool:
    return bool(source.credentials_secret) and source.scheme == _GOOGLE
