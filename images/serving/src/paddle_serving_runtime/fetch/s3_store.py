"""Which S3 store is asked and as whom, and what its refusals mean."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import certifi
from minio import Minio
from minio.credentials.providers import IamAwsProvider, Provider, StaticProvider
from minio.error import InvalidResponseError, S3Error
from minio.helpers import check_bucket_name
from requests.utils import get_environ_proxies, select_proxy
from urllib3 import PoolManager, ProxyManager, Retry, Timeout
from urllib3.exceptions import HTTPError, MaxRetryError, NameResolutionError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as Urllib3Timeout

from paddle_serving_runtime.errors import InvalidOption, ModelUnavailable

AMAZON = "https://s3.amazonaws.com"
_AMAZON_HOSTS = (".amazonaws.com", ".amazonaws.com.cn")
_CONNECT_SECONDS, _SILENCE_SECONDS = 10.0, 60.0
_METADATA_SECONDS = 1.0  # it answers from the same machine, or not at all
_WEB_IDENTITY = "AWS_WEB_IDENTITY_TOKEN_FILE"
_CONTAINER_IDENTITIES = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
_QUERY = re.compile(r"\?\S*")
_SERVER_FAILED = 500
_NO_IDENTITY = (HTTPError, OSError, ValueError, SyntaxError, KeyError, TypeError, AttributeError)
_BUSY = (429, 500, 502, 503, 504)
_REACH = (
    "The identity, if there is one, needs s3:ListBucket on the bucket and s3:GetObject on its objects; check "
    "spec.model.source.s3.credentialsSecret or the pod's identity."
)
_KEYS = (
    "The store does not accept the key. Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN in "
    "spec.model.source.s3.credentialsSecret."
)
_REGION = "The bucket seems to be in another region. Give --s3-region (spec.model.source.s3.region)."
_ADVICE = {
    "NoSuchBucket": "Check the bucket's name and the endpoint.",
    "NoSuchKey": "Check the folder or the archive's name.",
    "ResourceNotFound": "Check the endpoint.",
    "RequestTimeTooSkewed": "Correct the node's clock.",
    **dict.fromkeys(("AccessDenied", "AllAccessDisabled", "AccountProblem"), _REACH),
    **dict.fromkeys(("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken"), _KEYS),
    **dict.fromkeys(("PermanentRedirect", "AuthorizationHeaderMalformed", "TemporaryRedirect", "Redirect"), _REGION),
}


@dataclass(frozen=True)
class Store:
    """An S3-compatible store: its address without path, the region ("" to ask for it), a file of CA certificates."""

    endpoint: str
    region: str
    ca_file: Path | None
    environ: Mapping[str, str] = field(repr=False)


def parse_store(endpoint: str, region: str, ca_file: Path | None, environ: Mapping[str, str]) -> Store:
    """The store that the flags name. Raises InvalidOption."""
    parts = urlsplit(endpoint or AMAZON)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise InvalidOption("--s3-endpoint takes http://<host>[:<port>] or https://<host>[:<port>] without a path.")
    if "@" in parts.netloc:
        raise InvalidOption(
            "--s3-endpoint carries a user or password. Give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead."
        )
    region = region or environ.get("AWS_REGION", "") or environ.get("AWS_DEFAULT_REGION", "")
    return Store(f"{parts.scheme}://{parts.netloc}", region, ca_file, environ)


def connect(store: Store, bucket: str, connections: int) -> Minio:
    """A client for a bucket of the store, of use to as many threads as there are connections.

    Raises ModelUnavailable for a file of certificates that cannot be used and an identity that cannot be had,
    InvalidOption for half a pair of keys, and a bucket or region that cannot exist.
    """
    parts = urlsplit(store.endpoint)
    try:
        check_bucket_name(bucket, strict=True)
        return Minio(
            parts.netloc,
            secure=parts.scheme == "https",
            region=store.region or None,
            credentials=_identity(store),
            http_client=_pool(store, connections),
        )
    except ValueError as error:
        raise InvalidOption(f"bucket {bucket!r}, --s3-region {store.region!r}: {error}.") from error


def explain(error: Exception, store: Store, what: str) -> str:
    """A sentence: what the store or the way to it said, and what to do."""
    if isinstance(error, S3Error):
        return f"{what} at {store.endpoint}: {_refusal(error)}"
    if isinstance(error, InvalidResponseError | ValueError | SyntaxError | TypeError | AttributeError):
        said = f"{type(error).__name__}: {_short(error)}"
        return f"{store.endpoint} does not answer as an S3 store: {said} Check the endpoint."
    cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    match cause:
        case NameResolutionError():  # is a NewConnectionError, which is a TimeoutError
            advice = "The name is unknown here. Check the endpoint, and the region for Amazon's."
        case NewConnectionError():
            advice = "Nothing accepts connections there. Check the endpoint and network policies on the way."
        case SSLError() if "WRONG_VERSION_NUMBER" in str(cause):
            advice = "It does not speak TLS; the address of an endpoint without TLS begins with http://."
        case SSLError():
            advice = (
                "Give the CA's certificate with --s3-ca (spec.model.source.s3.caConfigMap), or correct the endpoint."
            )
        case Urllib3Timeout():
            advice = "It does not answer in time. Check the endpoint and network policies on the way."
        case _:
            advice = "Check the endpoint; the next attempt starts over."
    return f"{what}: {store.endpoint} failed: {type(cause).__name__}: {_short(cause)} {advice}"


def _refusal(error: S3Error) -> str:
    code = error.code or "an error without a code"
    otherwise = _REACH if error.response.status < _SERVER_FAILED else "The next attempt starts over."
    return f"{code}: {_short(error.message or '')} {_ADVICE.get(code, otherwise)}"


def _short(said: object) -> str:
    """One line of at most 300 characters that ends a sentence; queries of addresses, which carry tokens, are cut."""
    text = _QUERY.sub("", " ".join(str(said).split()))[:300].rstrip(".")
    return f"{text}." if text else ""


def _pool(store: Store, connections: int) -> PoolManager:
    proxy = select_proxy(store.endpoint, get_environ_proxies(store.endpoint))
    make = partial(ProxyManager, proxy) if proxy else PoolManager
    return make(
        timeout=Timeout(connect=_CONNECT_SECONDS, read=_SILENCE_SECONDS),
        maxsize=connections,
        retries=Retry(
            total=3, backoff_factor=0.3, status_forcelist=_BUSY, allowed_methods=None, respect_retry_after_header=False
        ),
        ssl_context=_trust(store),
    )


def _trust(store: Store) -> ssl.SSLContext:
    path = str(store.ca_file or store.environ.get("SSL_CERT_FILE") or certifi.where())
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # which includes ssl.SSLError
        reason = "no certificate (PEM) in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise ModelUnavailable(
            f"{path} cannot be used as CA certificates: {reason}. Put them under the key ca.crt of "
            "spec.model.source.s3.caConfigMap, or correct --s3-ca."
        ) from error


def _identity(store: Store) -> Provider | None:
    """Keys from the environment, a web or container identity, on Amazon the node's role; None asks anonymously."""
    environ = store.environ
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        return StaticProvider(key, secret, environ.get("AWS_SESSION_TOKEN"))
    if key or secret:
        missing = "AWS_SECRET_ACCESS_KEY" if key else "AWS_ACCESS_KEY_ID"
        raise InvalidOption(f"{missing} is not set. Set both keys, or neither for anonymous access.")
    web = environ.get(_WEB_IDENTITY)
    if web or any(environ.get(name) for name in _CONTAINER_IDENTITIES):
        timeout = Timeout(connect=_CONNECT_SECONDS, read=_CONNECT_SECONDS)
        provider = IamAwsProvider(
            custom_endpoint=environ.get("AWS_ENDPOINT_URL_STS") if web else None,
            http_client=PoolManager(timeout=timeout, retries=Retry(total=2), ssl_context=_trust(store)),
        )
        try:
            provider.retrieve()
        except _NO_IDENTITY as error:
            raise ModelUnavailable(
                f"no credentials from the pod's identity: {type(error).__name__}: {_short(error)} Check the role of "
                "its ServiceAccount, or give spec.model.source.s3.credentialsSecret."
            ) from error
        return provider
    return _role_of_the_node(store)


def _role_of_the_node(store: Store) -> Provider | None:
    host = urlsplit(store.endpoint).hostname or ""
    if not host.endswith(_AMAZON_HOSTS) or store.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return None
    provider = IamAwsProvider(http_client=PoolManager(timeout=Timeout(_METADATA_SECONDS), retries=False))
    try:
        provider.retrieve()
    except _NO_IDENTITY:
        return None
    return provider
