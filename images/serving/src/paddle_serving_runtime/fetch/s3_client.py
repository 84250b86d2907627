"""The client that asks a store, as whom it may be asked."""

from typing import Any
from urllib.parse import urlsplit

from minio import Minio
from minio.helpers import check_bucket_name
from requests.utils import get_environ_proxies, select_proxy
from urllib3 import PoolManager, ProxyManager, Retry, Timeout

from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.fetch.clouds import GOOGLE
from paddle_serving_runtime.fetch.s3_identity import identity
from paddle_serving_runtime.fetch.s3_store import Store, trust

_CONNECT_SECONDS, _SILENCE_SECONDS = 10.0, 60.0
_BUSY = (429, 500, 502, 503, 504)


def connect(store: Store, bucket: str, connections: int) -> Minio:
    """A client for a bucket of the store, of use to as many threads as there are connections.

    Raises ModelUnavailable for a file of certificates that cannot be used and an identity that cannot be had,
    InvalidOption for half a pair of keys, and a bucket or region that cannot exist.
    """
    parts = urlsplit(store.endpoint)
    try:
        check_bucket_name(bucket, strict=store.cloud is not GOOGLE)  # whose buckets may have _
        return Minio(
            parts.netloc,
            secure=parts.scheme == "https",
            region=store.region or None,
            credentials=identity(store, store.cloud.keys) if store.cloud.keys else None,
            http_client=_pool(store, connections),
        )
    except ValueError as error:
        raise InvalidOption(f"bucket {bucket!r}, --s3-region {store.region!r}: {error}.") from error


def _pool(store: Store, connections: int) -> PoolManager:
    proxy = select_proxy(store.endpoint, get_environ_proxies(store.endpoint))
    options: dict[str, Any] = {
        "timeout": Timeout(connect=_CONNECT_SECONDS, read=_SILENCE_SECONDS),
        "maxsize": connections,
        "retries": Retry(
            total=3, backoff_factor=0.3, status_forcelist=_BUSY, allowed_methods=None, respect_retry_after_header=False
        ),
        "ssl_context": trust(store),
    }
    if store.cloud is GOOGLE:
        from paddle_serving_runtime.fetch import google_store  # noqa: PLC0415 - 0.1 s that other clouds need not

        return google_store.pool(store, proxy, **options)
    return ProxyManager(proxy, **options) if proxy else PoolManager(**options)
