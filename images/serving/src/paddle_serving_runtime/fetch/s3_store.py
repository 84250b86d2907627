"""Which store is asked, and whose certificates it is believed."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import certifi

from paddle_serving_runtime.errors import InvalidOption, ModelUnavailable
from paddle_serving_runtime.fetch.clouds import ALIBABA, AMAZON, GOOGLE, Cloud

_AMAZON_ADDRESS = "https://s3.amazonaws.com"
_GOOGLE_ADDRESS = "https://storage.googleapis.com"


@dataclass(frozen=True)
class Store:
    """A store that speaks S3: its address without path, the region ("" to ask for it), a file of CA certificates."""

    cloud: Cloud
    endpoint: str
    region: str
    ca_file: Path | None
    environ: Mapping[str, str] = field(repr=False)

    @property
    def trusted(self) -> Path:
        """The file with the certificates of the authorities that may vouch for it."""
        return self.ca_file or Path(self.environ.get("SSL_CERT_FILE") or certifi.where())


def parse_store(cloud: Cloud, endpoint: str, region: str, ca_file: Path | None, environ: Mapping[str, str]) -> Store:
    """The store that the flags name. Raises InvalidOption."""
    region = _region(cloud, region, environ)
    parts = urlsplit(endpoint or _address(cloud, region))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise InvalidOption("--s3-endpoint takes http://<host>[:<port>] or https://<host>[:<port>] without a path.")
    if "@" in parts.netloc:
        raise InvalidOption(f"--s3-endpoint carries a user or password. Give {_secret_of(cloud)} instead.")
    return Store(cloud, f"{parts.scheme}://{parts.netloc}", region, ca_file, environ)


def trust(store: Store) -> ssl.SSLContext:
    """What a connection to the store is encrypted with. Raises ModelUnavailable for a file that has no certificates."""
    try:
        return ssl.create_default_context(cafile=str(store.trusted))
    except OSError as error:  # which includes ssl.SSLError
        reason = "no certificate (PEM) in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise ModelUnavailable(
            f"{store.trusted} cannot be used as CA certificates: {reason}. Put them under the key ca.crt of "
            f"{store.cloud.field}.caConfigMap, or correct --s3-ca."
        ) from error


def _address(cloud: Cloud, region: str) -> str:
    """Where the cloud's own store is."""
    if cloud is GOOGLE:
        return _GOOGLE_ADDRESS
    return f"https://s3.oss-{region}.aliyuncs.com" if cloud is ALIBABA else _AMAZON_ADDRESS


def _region(cloud: Cloud, region: str, environ: Mapping[str, str]) -> str:
    """The region that requests are signed for, "" to ask for it. Raises InvalidOption."""
    if cloud is ALIBABA and not region:
        raise InvalidOption(
            "--s3-region is missing, and OSS does not answer who asks for it. Give the bucket's region, such as "
            f"cn-hangzhou ({cloud.field}.region)."
        )
    if cloud is ALIBABA:
        return region.removeprefix("oss-")  # as some of its own libraries write it
    if cloud is AMAZON:
        return region or environ.get("AWS_REGION", "") or environ.get("AWS_DEFAULT_REGION", "")
    if region:
        raise InvalidOption("--s3-region has no effect with gs://, whose buckets have one address. Remove it.")
    return "auto"


def _secret_of(cloud: Cloud) -> str:
    return " and ".join(cloud.keys[:2]) if cloud.keys else "GOOGLE_APPLICATION_CREDENTIALS"
