"""As whom a store is asked that takes keys: Amazon's, Alibaba's, and all that speak like Amazon's."""

from urllib.parse import urlsplit

from minio.credentials.providers import IamAwsProvider, Provider, StaticProvider
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from paddle_serving_runtime.errors import InvalidOption, ModelUnavailable
from paddle_serving_runtime.fetch.clouds import AMAZON
from paddle_serving_runtime.fetch.s3_errors import short
from paddle_serving_runtime.fetch.s3_store import Store, trust
from paddle_serving_runtime.fetch.secrets import one_line

_AMAZON_HOSTS = (".amazonaws.com", ".amazonaws.com.cn")
_CONNECT_SECONDS = 10.0
_METADATA_SECONDS = 1.0  # it answers from the same machine, or not at all
_WEB_IDENTITY = "AWS_WEB_IDENTITY_TOKEN_FILE"
_CONTAINER_IDENTITIES = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
_NO_IDENTITY = (HTTPError, OSError, ValueError, SyntaxError, KeyError, TypeError, AttributeError)


def identity(store: Store, keys: tuple[str, str, str]) -> Provider | None:
    """The keys of the environment, else what Amazon gives to a pod or node; None asks anonymously.

    Raises InvalidOption for half a pair of keys, ModelUnavailable for an identity that cannot be had.
    """
    environ = store.environ
    key, secret, token = (one_line(name, environ.get(name, "")) for name in keys)
    if key and secret:
        return StaticProvider(key, secret, token or None)
    if key or secret:
        missing = keys[1] if key else keys[0]
        raise InvalidOption(f"{missing} is not set. Set both keys, or neither for anonymous access.")
    return _of_the_pod(store) if store.cloud is AMAZON else None


def _of_the_pod(store: Store) -> Provider | None:
    """A web or container identity, on Amazon the node's role."""
    environ = store.environ
    web = environ.get(_WEB_IDENTITY)
    if not web and not any(environ.get(name) for name in _CONTAINER_IDENTITIES):
        return _role_of_the_node(store)
    timeout = Timeout(connect=_CONNECT_SECONDS, read=_CONNECT_SECONDS)
    provider = IamAwsProvider(
        custom_endpoint=environ.get("AWS_ENDPOINT_URL_STS") if web else None,
        http_client=PoolManager(timeout=timeout, retries=Retry(total=2), ssl_context=trust(store)),
    )
    try:
        provider.retrieve()
    except _NO_IDENTITY as error:
        raise ModelUnavailable(
            f"no credentials from the pod's identity: {type(error).__name__}: {short(error)} Check the role of "
            "its ServiceAccount, or give spec.model.source.s3.credentialsSecret."
        ) from error
    return provider


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
