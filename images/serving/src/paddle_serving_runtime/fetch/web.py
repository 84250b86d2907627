"""Model packages on a web server: one archive, or the files of a package below an address."""

import re
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from typing_extensions import override
from urllib3 import Retry
from urllib3.exceptions import HTTPError

from paddle_serving_runtime.errors import InvalidOption, ModelUnavailable
from paddle_serving_runtime.fetch.archive import Limits
from paddle_serving_runtime.fetch.secrets import one_line
from paddle_serving_runtime.fetch.transfer import WINDOW_BYTES, Pace, Progress, unpack_into
from paddle_serving_runtime.package.manifest import MANIFEST, MAX_MANIFEST_BYTES, entries
from paddle_serving_runtime.words import counted, visible

TOKEN = "HTTP_TOKEN"  # noqa: S105 - the name of a variable
_CHUNK = 1 << 20
_CONNECT_SECONDS, _SILENCE_SECONDS = 10.0, 60.0
_BUSY = (429, 500, 502, 503, 504)
_ARCHIVES = (".tar.gz", ".tgz", ".tar", ".zip")
# of an address inside a library's message, after a redirect another one than ours
_SECRETS = re.compile(r"\?[^\s'\")]*|(?<=//)[^\s/@]*@")
_HUB = re.compile(r"hf://([\w.-]+/[\w.-]+)(?:@([^\s/@?#]+))?(/[^\s?#]*)?")


class Address(NamedTuple):
    """Where a package is: `url` is an archive, or ends its path with `/` where the package's files are below it."""

    url: str
    token: str

    def of(self, name: str) -> str:
        """The URL of one of the files; a query, such as a signature of the whole folder, is part of each."""
        parts = urlsplit(self.url)
        return parts._replace(path=parts.path + quote(name, errors="surrogateescape"), fragment="").geturl()


def parse_address(text: str, token: str) -> Address:
    """The address that http(s)://... or hf://<owner>/<model>[@<revision>][/<folder or archive>] means.

    `token` is shown to the server as a bearer token; "" for none. Raises InvalidOption.
    """
    if text.startswith("hf:"):
        text = _of_hub(text)
    token = one_line(TOKEN, token)
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises, too
    except ValueError:  # which may say a part of a password
        raise InvalidOption("--from-http: there is no host and port in the address that can be asked.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidOption(f"--from-http takes http://, https:// and hf:// addresses, not {shown_url(text)!r}.")
    if token and parts.scheme != "https":
        raise InvalidOption(f"{TOKEN} would go over the network in plain text. Give an https:// address, or no token.")
    return Address(text, token)


def from_http(address: Address, digest: str, folder: Path, progress: Progress, limits: Limits) -> None:
    """Downloads a package: an archive (tar.gz, tar, zip), or from an address that ends with / the manifest's files.

    Of such files the manifest comes first, and its digest is checked before any other is asked for. Raises
    ModelUnavailable with the HTTP status or what is wrong with the archive, DigestMismatch for another package.
    """
    with requests.Session() as session:
        # Retry-After is not obeyed: it may say hours, and the pod tries again by itself
        retries = Retry(
            total=3, backoff_factor=0.3, status_forcelist=_BUSY, respect_retry_after_header=False, raise_on_status=False
        )
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=retries))
        download = _Download(session, address.token, progress, limits)
        if urlsplit(address.url).path.endswith("/"):
            _from_folder(download, address, digest, folder, limits)
            return
        archive = folder / ".archive"
        download.take(address.url, archive, limits.unpacked_bytes)
        unpack_into(archive, folder, progress, limits)


def shown_url(url: str) -> str:
    """The URL without user, password and query, which may be secrets."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def _of_hub(text: str) -> str:
    """The address of a repository's files at Hugging Face, at a revision (a commit, a tag or a branch)."""
    match = _HUB.fullmatch(text)
    if match is None or {".", ".."} & set(text.split("/")):
        raise InvalidOption(
            f"--from-http takes hf://<owner>/<model>[@<revision>][/<folder or archive>], not "
            f"{text.partition('?')[0]!r}."
        )
    inner = (match[3] or "").strip("/")
    end = "/" if inner and not inner.endswith(_ARCHIVES) else ""
    return f"https://huggingface.co/{match[1]}/resolve/{match[2] or 'main'}/{inner}{end}"


def _from_folder(download: "_Download", address: Address, digest: str, folder: Path, limits: Limits) -> None:
    download.take(address.of(MANIFEST), folder / MANIFEST, MAX_MANIFEST_BYTES)
    names = sorted(entries(folder, digest))
    if len(names) > limits.members:
        raise ModelUnavailable(f"{shown_url(address.url)} has more than {limits.members} files. Give an archive.")
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        download.take(address.of(name), target, limits.unpacked_bytes)


class _Download:
    """Downloads files one after another, all together within the limits."""

    def __init__(self, session: requests.Session, token: str, progress: Progress, limits: Limits) -> None:
        self._session = session
        self._auth = _Bearer(token) if token else None
        self._progress = progress
        self._limits = limits
        self._pace = Pace()
        self._files, self._done = 0, 0

    def take(self, url: str, target: Path, most: int) -> None:
        """Writes what the URL names, of at most `most` bytes, into a new file."""
        try:
            with (
                # no encoding on the way: what arrives are the bytes of the file, and as many as were announced
                self._session.get(
                    url,
                    stream=True,
                    timeout=(_CONNECT_SECONDS, _SILENCE_SECONDS),
                    headers={"Accept-Encoding": "identity"},
                    auth=self._auth,
                ) as response,
                target.open("xb") as sink,
            ):
                if response.status_code != requests.codes.ok:
                    raise ModelUnavailable(
                        f"GET {shown_url(url)}: HTTP {response.status_code} {_shown(response.reason)}. Check the URL "
                        "and who may read it."
                    )
                self._copy(response, sink, shown_url(url), most)
        except (requests.RequestException, HTTPError, ValueError) as error:  # the last one of addresses and numbers
            raise ModelUnavailable(
                f"GET {shown_url(url)} failed: {type(error).__name__}: {_shown(str(error))}"
            ) from None

    def _copy(self, response: requests.Response, sink: BinaryIO, shown: str, most: int) -> None:
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        before = self._done
        most = min(most, self._limits.unpacked_bytes - before)
        if total is not None and total > most:
            raise _too_large(shown, before + most)
        while chunk := response.raw.read1(_CHUNK):
            self._done += len(chunk)
            if self._done - before > most:
                raise _too_large(shown, before + most)
            sink.write(chunk)
            self._progress("downloaded", self._done, total if not before else None)
            # small files are slow, too, but they arrive: each counts as much as patience asks for
            self._pace.check(self._done + self._files * WINDOW_BYTES)
        self._files += 1


def _shown(said: str) -> str:
    """What a server or a library has said, on one line, without what a terminal obeys and what may be secret."""
    return visible(_SECRETS.sub("", " ".join(said.split()))[:400])


def _too_large(shown: str, most: int) -> ModelUnavailable:
    return ModelUnavailable(f"{shown} is larger than {counted(most, 'byte')}.")


class _Bearer(AuthBase):
    """Shows a token; `requests` takes it off again where a redirect leads to another host."""

    def __init__(self, token: str) -> None:
        self._token = token

    @override
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
