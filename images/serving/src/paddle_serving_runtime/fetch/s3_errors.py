"""What the refusals of a store mean, and what goes wrong on the way to it."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from minio.error import InvalidResponseError, S3Error, ServerError
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as Urllib3Timeout

from paddle_serving_runtime.fetch.clouds import Cloud
from paddle_serving_runtime.fetch.s3_store import Store

_QUERY = re.compile(r"\?\S*")
_UNAUTHORIZED, _SERVER_FAILED = 401, 500
_WRONG_KEY = (
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken"),
    *("SecurityTokenExpired", "InvalidSecurityToken"),  # Alibaba's
    *("AuthenticationRequired", "InvalidSecurity"),  # Google's
)
_OTHER_REGION = ("PermanentRedirect", "AuthorizationHeaderMalformed", "TemporaryRedirect", "Redirect")
_ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "NoSuchBucket": "Check the bucket's name and the endpoint.",
        "NoSuchKey": "Check the folder or the archive's name.",
        "ResourceNotFound": "Check the endpoint.",
        "RequestTimeTooSkewed": "Correct the node's clock.",
        "UserProjectMissing": "Who reads this bucket pays for it, which is not supported. Copy the package elsewhere.",
    }
)


def explain(error: Exception, store: Store, what: str) -> str:
    """A sentence: what the store or the way to it said, and what to do."""
    if isinstance(error, S3Error):
        return f"{what} at {store.endpoint}: {_refusal(error, store.cloud)}"
    if isinstance(error, ServerError) and error.status_code == _UNAUTHORIZED:  # the answer to HEAD has no code
        return f"{what} at {store.endpoint}: HTTP {error.status_code}. {store.cloud.wrong}"
    if isinstance(error, InvalidResponseError | ValueError | SyntaxError | TypeError | AttributeError):
        said = f"{type(error).__name__}: {short(error)}"
        return f"{store.endpoint} does not answer as an S3 store: {said} Check the endpoint."
    cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    return f"{what}: {store.endpoint} failed: {type(cause).__name__}: {short(cause)} {_on_the_way(cause, store.cloud)}"


def short(said: object) -> str:
    """One line of at most 300 characters that ends a sentence; queries of addresses, which carry tokens, are cut."""
    text = _QUERY.sub("", " ".join(str(said).split()))[:300].rstrip(".")
    return f"{text}." if text else ""


def _refusal(error: S3Error, cloud: Cloud) -> str:
    code = error.code or "an error without a code"
    return f"{code}: {short(error.message or '')} {_advice(code, error.response.status, cloud)}"


def _advice(code: str, status: int, cloud: Cloud) -> str:
    if code in _WRONG_KEY:
        return cloud.wrong
    if code in _OTHER_REGION:
        return f"The bucket seems to be in another region. Give --s3-region ({cloud.field}.region)."
    return _ADVICE.get(code) or (cloud.missing if status < _SERVER_FAILED else "The next attempt starts over.")


def _on_the_way(cause: Exception, cloud: Cloud) -> str:
    match cause:
        case NameResolutionError():  # is a NewConnectionError, which is a TimeoutError
            return "The name is unknown here. Check the endpoint, and the region for Amazon's and Alibaba's."
        case NewConnectionError():
            return "Nothing accepts connections there. Check the endpoint and network policies on the way."
        case SSLError() if "WRONG_VERSION_NUMBER" in str(cause):
            return "It does not speak TLS; the address of an endpoint without TLS begins with http://."
        case SSLError():
            return f"Give the CA's certificate with --s3-ca ({cloud.field}.caConfigMap), or correct the endpoint."
        case Urllib3Timeout():
            return "It does not answer in time. Check the endpoint and network policies on the way."
        case _:
            return "Check the endpoint; the next attempt starts over."
