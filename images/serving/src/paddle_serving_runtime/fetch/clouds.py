"""The clouds whose stores speak S3: what a URI of each begins with, and what people check when it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Cloud:
    """`name` is its field of spec.model.source, `keys` the variables with identifier, secret and session token.

    `missing` is what to do about an identity that cannot read, `wrong` about one that is not known.
    """

    scheme: str
    name: str
    keys: tuple[str, str, str] | None
    missing: str
    wrong: str

    @property
    def field(self) -> str:
        """Where a PaddleService names the store."""
        return f"spec.model.source.{self.name}"


def _wrong_keys(keys: tuple[str, str, str], name: str) -> str:
    return (
        f"The store does not accept the key. Check {keys[0]}, {keys[1]} and {keys[2]} in "
        f"spec.model.source.{name}.credentialsSecret."
    )


_AMAZON_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_ALIBABA_KEYS = ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN")
AMAZON = Cloud(
    "s3",
    "s3",
    _AMAZON_KEYS,
    "The identity, if there is one, needs s3:ListBucket on the bucket and s3:GetObject on its objects; check "
    "spec.model.source.s3.credentialsSecret or the pod's identity.",
    _wrong_keys(_AMAZON_KEYS, "s3"),
)
ALIBABA = Cloud(
    "oss",
    "oss",
    _ALIBABA_KEYS,
    "The key, if there is one, needs oss:ListObjects on the bucket and oss:GetObject on its objects; check "
    "spec.model.source.oss.credentialsSecret.",
    _wrong_keys(_ALIBABA_KEYS, "oss"),
)
GOOGLE = Cloud(
    "gs",
    "gcs",
    None,
    "The identity, if there is one, needs storage.objects.list on the bucket and storage.objects.get on its objects "
    "(roles/storage.objectViewer); check spec.model.source.gcs.credentialsSecret or the pod's identity.",
    "Google does not accept the token. Check the service account of spec.model.source.gcs.credentialsSecret, or the "
    "pod's identity.",
)
CLOUDS: Mapping[str, Cloud] = MappingProxyType({cloud.scheme: cloud for cloud in (AMAZON, ALIBABA, GOOGLE)})
"""By the scheme of a URI."""
