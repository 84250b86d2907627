"""Ed25519 signatures of reports (RFC 8032)."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from paddle_serving_runtime.errors import InvalidOption, SignatureInvalid
from paddle_serving_runtime.evidence.canonical import SIGNATURE, canonical
from paddle_serving_runtime.words import visible

ALGORITHM = "ed25519"
_FIELDS = {"algorithm", "publicKey", "value"}
_MAKE = (
    "Make a pair with `openssl genpkey -algorithm ed25519 -out ed25519.pem` and `openssl pkey -in ed25519.pem -pubout`."
)


def load_private_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a PEM file (PKCS#8, not encrypted). Raises InvalidOption where it is none."""
    content = _read("--signing-key", path)
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError:
        raise InvalidOption(
            f"--signing-key {path} is encrypted, and nobody is there to ask for its password. Write it anew with "
            f"`openssl pkcs8 -topk8 -nocrypt`."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidOption(f"--signing-key {path} is not a private key in PEM form (PKCS#8). {_MAKE}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidOption(f"--signing-key {path} is a key of another kind than ed25519. {_MAKE}")
    return key


def load_public_key(path: Path) -> Ed25519PublicKey:
    """The public key in a PEM file. Raises InvalidOption where it is none."""
    content = _read("--public-key", path)
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidOption(f"--public-key {path} is not a public key in PEM form. {_MAKE}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidOption(f"--public-key {path} is a key of another kind than ed25519. {_MAKE}")
    return key


def key_text(key: Ed25519PublicKey) -> str:
    """The public key as a report has it: the line between the two others of its PEM file."""
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def signed(report: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """The report with its signature. Raises ValueError for a report that has no canonical form."""
    value = base64.b64encode(key.sign(canonical(report))).decode()
    return {
        **report,
        SIGNATURE: {"algorithm": ALGORITHM, "publicKey": key_text(key.public_key()), "value": value},
    }


class Signer:
    """Signs reports with one key. One that is as it was the last time is not signed anew: large ones take a while."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._last: tuple[bytes, dict[str, Any]] = (b"", {})

    def __call__(self, report: Mapping[str, Any]) -> dict[str, Any]:
        """The report as it will be read, with its signature."""
        sent = orjson.dumps(report)
        if sent != self._last[0]:
            self._last = (sent, signed(orjson.loads(sent), self._key))
        return self._last[1]


def check_signature(report: Mapping[str, Any], key: Ed25519PublicKey | None) -> str:
    """The public key, as text, that a report is signed with; empty where it is not signed and no key is given.

    Raises SignatureInvalid for a report that is not signed with `key`, and, whatever key is given, for one that is not
    what was signed.
    """
    found = report.get(SIGNATURE)
    if found is None:
        if key is not None:
            raise SignatureInvalid("the report is not signed, and --public-key asks for a signature.")
        return ""
    text, value = _parts(found)
    if key is not None and text != key_text(key):
        raise SignatureInvalid(
            f"the report is signed with the key {visible(text)}, not with that of --public-key, {key_text(key)}."
        )
    try:
        (key or _embedded(text)).verify(value, canonical(report))
    except (InvalidSignature, ValueError):  # the latter for what has no canonical form
        raise SignatureInvalid("the report is not what was signed: it, or its signature, was altered.") from None
    return text


def _parts(found: object) -> tuple[str, bytes]:
    if (
        not isinstance(found, dict)
        or found.keys() != _FIELDS
        or not all(isinstance(part, str) for part in found.values())
    ):
        raise SignatureInvalid(f"the report's signature is not {{{', '.join(sorted(_FIELDS))}}}.")
    if found["algorithm"] != ALGORITHM:
        raise SignatureInvalid(
            f"the report's signature is of the kind {found['algorithm']!r:.40}; {ALGORITHM} is known."
        )
    return found["publicKey"], _decoded(found["value"])


def _decoded(text: str) -> bytes:
    """The bytes of base64, in the only way to write them: a decoder overlooks some bits of the last character."""
    try:
        value = base64.b64decode(text, validate=True)
    except ValueError:
        value = b""
    if not value or base64.b64encode(value).decode() != text:
        raise SignatureInvalid("the report's signature, or its public key, is not base64.")
    return value


def _embedded(text: str) -> Ed25519PublicKey:
    lines = f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n"
    _decoded(text)
    try:
        key = load_pem_public_key(lines.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise SignatureInvalid(f"the public key in the report is not one of {ALGORITHM}.")
    return key


def _read(flag: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidOption(f"{flag} {path} cannot be read: {error.strerror or error}.") from None
