"""Where a model package is fetched from."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class PvcSource:
    """A directory of a claim; `path` is relative to the volume's root, "" is the root."""

    claim_name: str
    path: str


@dataclass(frozen=True, slots=True)
class HttpSource:
    """An archive on an HTTP server, or where `url` ends with / a folder. Empty text: no Secret with a token."""

    url: str
    credentials_secret: str


@dataclass(frozen=True, slots=True)
class ImageSource:
    """A directory of a container image; `path` is absolute."""

    reference: str
    path: str
    pull_policy: str


@dataclass(frozen=True, slots=True)
class ConfigMapSource:
    """A ConfigMap of the same namespace."""

    name: str


@dataclass(frozen=True, slots=True)
class BucketSource:
    """Objects of a store that speaks S3; the URI's scheme is s3, oss (Alibaba's) or gs (Google's).

    Empty text: the cloud's own endpoint, the bucket's own region, no Secret, no CA.
    """

    uri: str
    endpoint: str
    region: str
    credentials_secret: str
    ca_config_map: str

    @property
    def scheme(self) -> str:
        """The cloud's name in the URI."""
        return self.uri.partition(":")[0]


Source: TypeAlias = PvcSource | HttpSource | BucketSource | ImageSource | ConfigMapSource
