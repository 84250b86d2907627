"""The front's certificate and API keys: read from their files, checked, and taken anew whenever these change."""

import asyncio
import hashlib
import logging
import os
import re
import ssl
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.front import FrontError
from paddle_serving_runtime.front.access import Access
from paddle_serving_runtime.supervisor.front_keeper import FrontKeeper
from paddle_serving_runtime.supervisor.settings import AccessFiles

_LOG = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
"""How often the files are read again; a kubelet takes a minute to write a changed Secret."""

_KEY = re.compile(r"[A-Za-z0-9._~+/=-]{16,512}")
"""What may follow `Bearer` (RFC 6750, token68), too long to be guessed."""

_MOST_KEYS = 100
_END = "-----END CERTIFICATE-----"


def certificate_of(files: AccessFiles) -> str:
    """Certificate, chain and key as one PEM text, empty without TLS. Raises InvalidOption naming the flag.

    A key that needs a password, or that belongs to another certificate, is refused.
    """
    if files.certificate is None or files.key is None:
        return ""
    texts = [_text("--tls-certificate", files.certificate), _text("--tls-key", files.key)]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise InvalidOption(
            f"--tls-certificate {files.certificate} and --tls-key {files.key} are not a certificate and its key, both "
            f"PEM, the key without a password: {reason}."
        ) from None
    return "\n".join(line for text in texts for line in text.splitlines() if line.strip()) + "\n"


def keys_of(files: AccessFiles) -> tuple[str, ...]:
    """The API keys, none where everybody may ask. Raises InvalidOption, which never shows a key."""
    if files.api_keys is None:
        return ()
    where = f"--api-key-file {files.api_keys}"
    lines = [line.strip() for line in _text("--api-key-file", files.api_keys).splitlines()]
    for number, line in enumerate(lines, start=1):
        if line and _KEY.fullmatch(line) is None:
            raise InvalidOption(
                f"{where}: line {number} is no key of 16 to 512 characters (A-Z a-z 0-9 . _ ~ + / = -)."
            )
    keys = tuple(dict.fromkeys(line for line in lines if line))
    if not 1 <= len(keys) <= _MOST_KEYS:
        raise InvalidOption(f"{where}: it has {len(keys)} keys; write 1 to {_MOST_KEYS} of them, a line each.")
    return keys


class Credentials:
    """What the front shows and asks for now, kept in files of `folder`, which only this user can read."""

    def __init__(self, files: AccessFiles, folder: Path) -> None:
        """Reads the files. Raises InvalidOption."""
        self._files = files
        self.access = Access(
            certificate=folder / "tls.pem" if files.certificate else None,
            keys=folder / "api-keys" if files.api_keys else None,
        )
        self._pem, self._keys = certificate_of(files), keys_of(files)
        self._write()

    async def keep(self, front: FrontKeeper) -> NoReturn:
        """Never returns: gives the front what has changed in the files. What cannot be read changes nothing."""
        complaint = ""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look(front)
                complaint = ""
            except (InvalidOption, FrontError, OSError) as error:
                if complaint != str(error):
                    _LOG.error("certificate and API keys stay as they were: %s", error)
                complaint = str(error)

    async def look(self, front: FrontKeeper) -> None:
        """Gives the front what has changed in the files. Raises InvalidOption, FrontError, and OSError without room."""
        before = self._pem, self._keys
        pem, keys = certificate_of(self._files), keys_of(self._files)
        if before == (pem, keys):
            return
        # in the files first: a front that dies meanwhile is followed by one that reads them
        self._pem, self._keys = pem, keys
        try:
            self._write()
            await self._tell(front, *before)
        except (FrontError, OSError):
            self._pem, self._keys = before
            with suppress(OSError):
                self._write()
            raise
        _LOG.info("the certificate or the API keys have changed", extra={"fields": {"keys": len(keys)}})

    async def _tell(self, front: FrontKeeper, old_pem: str, old_keys: tuple[str, ...]) -> None:
        certificate, keys = self.access.certificate, self.access.keys
        if certificate and self._pem != old_pem:
            await front.tell(lambda it: it.take_certificate(certificate, self._pem))
        if keys and self._keys != old_keys:
            await front.tell(lambda it: it.take_keys(keys, _hashes(self._keys)))

    @property
    def key(self) -> str:
        """A key that this pod takes itself, empty where everybody may ask."""
        return self._keys[0] if self._keys else ""

    def trusting(self) -> ssl.SSLContext | None:
        """For a connection to another pod of the service, which shows the certificate of this one; None without TLS.

        The name in it is that for which users ask, so that it is not compared with the pod's.
        """
        if not self._pem:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=self._pem[: self._pem.index(_END) + len(_END)] + "\n")
        return context

    def _write(self) -> None:
        if self.access.certificate:
            _replace(self.access.certificate, self._pem)
        if self.access.keys:
            _replace(self.access.keys, "".join(f"{each}\n" for each in _hashes(self._keys)))


def _hashes(keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(hashlib.sha256(key.encode()).hexdigest().upper() for key in keys)


def _replace(path: Path, text: str) -> None:
    """The whole file at once: a front that is started meanwhile reads the old one or the new one."""
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    new.replace(path)


def _text(flag: str, path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InvalidOption(f"{flag} {path} cannot be read: {reason}.") from None


def _no_password() -> str:
    raise ValueError("it needs a password")
