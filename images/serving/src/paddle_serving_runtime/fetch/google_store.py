"""Google's store, asked in the form that it shares with S3, with Google's own tokens instead of signatures.

Source: cloud.google.com/storage/docs/xml-api (authentication by OAuth 2.0) and .../docs/transcoding.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import google.auth
from google.auth.compute_engine import Credentials as PodCredentials
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from requests import Session
from typing_extensions import override
from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager
from urllib3.util import parse_url

from paddle_serving_runtime.errors import InvalidOption, ModelUnavailable
from paddle_serving_runtime.fetch.s3_errors import short
from paddle_serving_runtime.fetch.s3_store import Store

CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
_UNUSABLE = (GoogleAuthError, OSError, ValueError, KeyError, TypeError, AttributeError)
_PORTS = {"http": 80, "https": 443}


class Token:
    """What says who asks; it is had anew before it ends, by one of many threads."""

    def __init__(self, credentials: Credentials, request: Request, source: str) -> None:
        self._credentials = credentials
        self._request = request
        self._source = source
        self._lock = Lock()

    def headers(self) -> dict[str, str]:
        """Those that a request goes with. Raises ModelUnavailable where there is no token to be had."""
        headers: dict[str, str] = {}
        with self._lock:
            if not self._credentials.valid:
                try:
                    self._credentials.refresh(self._request)  # type: ignore[no-untyped-call]
                except _UNUSABLE as error:
                    raise _no_identity(self._source, error) from error
            self._credentials.apply(headers)  # type: ignore[no-untyped-call]
        return headers


@dataclass(frozen=True)
class Asker:
    """Who asks the store at `endpoint`; nobody known where there is no token."""

    endpoint: str
    token: Token | None

    def headers(self, url: str, given: Mapping[str, str]) -> dict[str, str]:
        """Those that a request for the URL goes with: the token for the store alone, not for whom it leads to.

        Amazon's have no place beside a token. With gzip accepted, what is stored compressed comes as it is stored.
        """
        headers = {name: value for name, value in given.items() if not _is_replaced(name)}
        headers["Accept-Encoding"] = "gzip"
        if self.token is not None and _origin(url) == _origin(self.endpoint):
            headers |= self.token.headers()
        return headers


class Pool(PoolManager):
    """Connections on which Google's store is asked."""

    def __init__(self, *proxy: str, asker: Asker, **options: Any) -> None:  # noqa: ANN401 - urllib3's own
        super().__init__(*proxy, **options)  # type: ignore[arg-type]
        self._asker = asker

    @override
    def urlopen(  # type: ignore[override] # as urllib3's own
        self, method: str, url: str, redirect: bool = True, **options: Any
    ) -> BaseHTTPResponse:
        headers = self._asker.headers(url, options.pop("headers", None) or {})
        return super().urlopen(method, url, redirect=redirect, headers=headers, **options)


class Proxied(Pool, ProxyManager):
    """The same by way of a proxy, whose address is the first argument."""


def pool(store: Store, proxy: str | None, **options: Any) -> Pool:  # noqa: ANN401 - urllib3's own
    """Connections to the store with whoever may ask it. Raises ModelUnavailable and InvalidOption."""
    asker = Asker(store.endpoint, _token(store))
    return Proxied(proxy, asker=asker, **options) if proxy else Pool(asker=asker, **options)


def _token(store: Store) -> Token | None:
    """That of the file of credentials, else of what Google gives to the pod or node; None asks anonymously."""
    given = bool(store.environ.get(CREDENTIALS))
    if not store.endpoint.startswith("https:"):
        if given:
            raise InvalidOption(
                f"{CREDENTIALS}: its token would go over the network in plain text. Give an https:// endpoint, or no "
                "credentials."
            )
        return None
    source = CREDENTIALS if given else "the pod's identity"
    session = _Session(store.trusted)
    session.trust_env = given  # no proxy leads to the node's own server, which is asked where no file is given
    try:
        credentials, _ = google.auth.default(scopes=[_SCOPE], request=Request(session))
    except _UNUSABLE as error:
        if given:
            raise _no_identity(source, error) from error
        return None
    session.trust_env = not isinstance(credentials, PodCredentials)
    return Token(credentials, Request(session), source)


class _Session(Session):
    """Connections to who grants tokens, who is believed by the same certificates as the store."""

    def __init__(self, trusted: Path) -> None:
        super().__init__()
        self.verify = str(trusted)

    @override
    def merge_environment_settings(
        self,
        url: str | bytes | None,
        proxies: MutableMapping[str, str] | None,
        stream: bool | None,
        verify: bool | str | None,
        cert: str | tuple[str, str] | None,
    ) -> Any:
        return super().merge_environment_settings(url, proxies, stream, self.verify, cert)


def _no_identity(source: str, error: Exception) -> ModelUnavailable:
    # what it has beside texts is the whole answer of who was asked
    texts = [str(part) for part in error.args if isinstance(part, str | Exception)]
    said = short(": ".join(texts) or error)
    return ModelUnavailable(
        f"no credentials from {source}: {type(error).__name__}: {said} Check the service account's key in "
        "spec.model.source.gcs.credentialsSecret, or the identity of the pod's ServiceAccount."
    )


def _is_replaced(name: str) -> bool:
    return name.lower().startswith("x-amz-") or name.lower() == "authorization"


def _origin(url: str) -> tuple[str | None, str | None, int | None]:
    parts = parse_url(url)
    return parts.scheme, parts.host, parts.port or _PORTS.get(parts.scheme or "")
