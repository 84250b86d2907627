"""A report that was signed and then altered, by anybody and in whatever way, is found."""

import base64
import copy
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images.serving.tests.unit.evidence.keys import Pair, key_pair, run
from images.serving.tests.unit.evidence.test_report import DOCUMENT, evidence_of, proof
from paddle_serving_runtime.errors import InvalidOption, ReportUnreadable, SignatureInvalid
from paddle_serving_runtime.evidence.reading import parse_json
from paddle_serving_runtime.evidence.report import document
from paddle_serving_runtime.evidence.signature import (
    Signer,
    check_signature,
    load_private_key,
    load_public_key,
    signed,
)

REPORT = {
    **document(proof(evidence_of(("a.json", "y", [1.5, -0.0], [1.25, 0.0])), warnings=["Größe"])),
    "drift": None,
    "recheck": {"rounds": 3, "last": 1e-07},
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return key_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def report(pair: Pair) -> dict[str, Any]:
    return signed(REPORT, load_private_key(pair.private))


def found(altered: object, pair: Pair) -> bool:
    """Whether an altered report is refused, with the key that its reader trusts."""
    if not isinstance(altered, dict):
        return True
    try:
        check_signature(altered, load_public_key(pair.public))
    except SignatureInvalid:
        return True
    return False


def test_a_signed_report_is_confirmed_with_its_key_and_names_it(report: dict[str, Any], pair: Pair) -> None:
    line = pair.public.read_text().splitlines()[1]
    assert report["signature"]["publicKey"] == line
    assert check_signature(report, load_public_key(pair.public)) == line
    assert check_signature(report, None) == line
    assert check_signature(json.loads(json.dumps(report, indent=3, sort_keys=True)), None) == line


def test_a_pair_that_is_made_as_the_document_says_is_one(tmp_path: Path) -> None:
    block = DOCUMENT.read_text().partition("## Signed")[2].partition("```sh\n")[2].partition("```")[0]
    lines = [line for line in block.splitlines() if line.startswith("openssl ")]
    assert len(lines) == 2
    for line in lines:
        subprocess.run(line.split(), cwd=tmp_path, check=True, capture_output=True)
    made = signed(REPORT, load_private_key(tmp_path / "ed25519.pem"))
    assert check_signature(made, load_public_key(tmp_path / "ed25519.pub.pem"))


def test_openssl_alone_can_check_it(report: dict[str, Any], pair: Pair, tmp_path: Path) -> None:
    by_hand = {name: value for name, value in report.items() if name != "signature"}
    # nothing in this report is written otherwise by RFC 8785 than here: no float that is whole or very small
    by_hand["recheck"], text = None, json.dumps
    again = signed(by_hand, load_private_key(pair.private))
    plain = text(by_hand, sort_keys=True, separators=(",", ":"), ensure_ascii=False).replace("0.0,", "0,")
    (tmp_path / "report").write_text(plain, encoding="utf-8")
    (tmp_path / "value").write_bytes(base64.b64decode(again["signature"]["value"]))
    run(
        *("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", pair.public, "-rawin"),
        *("-in", tmp_path / "report", "-sigfile", tmp_path / "value"),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_other_byte_anywhere_is_found(report: dict[str, Any], pair: Pair, data: st.DataObject) -> None:
    text = orjson.dumps(report)
    place = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda other: other != text[place]))
    altered = text[:place] + bytes([byte]) + text[place + 1 :]
    try:
        content = parse_json(altered)
    except ReportUnreadable:
        return
    assert content == report or found(content, pair), altered


def test_every_bit_of_the_signature_and_of_its_key_counts(report: dict[str, Any], pair: Pair) -> None:
    for field in ("value", "publicKey", "algorithm"):
        text = report["signature"][field]
        for place, character in enumerate(text):
            for other in {"A", "B", "Q", "/", "=", " ", "\n", chr(ord(character) ^ 1)} - {character}:
                changed = text[:place] + other + text[place + 1 :]
                assert found({**report, "signature": {**report["signature"], field: changed}}, pair), (field, place)


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where every value of a document is, containers included."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def with_change(report: dict[str, Any], path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> dict[str, Any]:
    altered = copy.deepcopy(report)
    parent: Any = altered
    for key in path[:-1]:
        parent = parent[key]
    change(parent, path[-1])
    return altered


PLACES = [path for path in places({**REPORT, "signature": dict.fromkeys(("algorithm", "publicKey", "value"))}) if path]


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_every_field_that_is_another_or_missing_is_found(
    report: dict[str, Any], pair: Pair, path: tuple[Any, ...]
) -> None:
    def replace(other: object) -> Callable[[Any, Any], None]:
        return lambda parent, key: parent.__setitem__(key, other)

    others: tuple[object, ...] = (None, True, False, 0, 1, -1, 2.5, "", "other", [], {}, [None], {"x": 1})
    changes = [with_change(report, path, replace(other)) for other in others]
    changes.append(with_change(report, path, lambda parent, key: parent.__delitem__(key)))
    altered = [each for each in changes if json.dumps(each) != json.dumps(report)]
    assert len(altered) >= len(others) - 1
    assert all(found(each, pair) for each in altered)


@given(name=st.text(), value=st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_field_more_is_found(report: dict[str, Any], pair: Pair, name: str, value: object) -> None:
    if name not in report:
        assert found({**report, name: value}, pair)


def test_a_report_that_somebody_else_has_signed_is_found(report: dict[str, Any], pair: Pair, tmp_path: Path) -> None:
    forger = key_pair(tmp_path)
    forged = signed({**REPORT, "verdict": "Recorded"}, load_private_key(forger.private))
    with pytest.raises(SignatureInvalid, match=r"is signed with the key .*, not with that of --public-key"):
        check_signature(forged, load_public_key(pair.public))
    forged["signature"]["publicKey"] = report["signature"]["publicKey"]
    for key in (load_public_key(pair.public), None):
        with pytest.raises(SignatureInvalid, match="is not what was signed"):
            check_signature(forged, key)


def test_a_report_without_a_signature_is_refused_where_a_key_is_given(pair: Pair) -> None:
    with pytest.raises(SignatureInvalid, match="is not signed"):
        check_signature(REPORT, load_public_key(pair.public))
    with pytest.raises(SignatureInvalid, match="is not signed"):
        check_signature({**REPORT, "signature": None}, load_public_key(pair.public))
    assert check_signature(REPORT, None) == ""


@pytest.mark.parametrize(
    ("signature", "words"),
    [
        ("text", "is not {algorithm, publicKey, value}"),
        ({}, "is not {algorithm, publicKey, value}"),
        ({"algorithm": "none", "publicKey": "", "value": ""}, "of the kind 'none'"),
        ({"algorithm": "ed25519", "publicKey": "AA==", "value": "AA=="}, "is not one of ed25519"),
        ({"algorithm": "ed25519", "publicKey": "AA==", "value": "ä"}, "is not base64"),
        ({"algorithm": "ed25519", "publicKey": 1, "value": ""}, "is not {algorithm, publicKey, value}"),
    ],
)
def test_what_is_no_signature_is_said(signature: object, words: str) -> None:
    with pytest.raises(SignatureInvalid, match=words):
        check_signature({**REPORT, "signature": signature}, None)


def test_a_report_is_signed_as_it_is_sent_and_anew_only_when_it_has_changed(pair: Pair) -> None:
    sign = Signer(load_private_key(pair.private))
    first = sign({"error": float("nan"), "tuple": (1, 2)})
    assert (first["error"], first["tuple"]) == (None, [1, 2])
    assert check_signature(orjson.loads(orjson.dumps(first)), load_public_key(pair.public))
    assert sign({"error": float("nan"), "tuple": (1, 2)}) is first
    assert sign({"error": 1.0, "tuple": (1, 2)}) is not first


def test_a_file_that_is_no_key_of_this_kind_is_said_with_how_to_make_one(tmp_path: Path, pair: Pair) -> None:
    other = key_pair(tmp_path, "other", algorithm="x25519")
    (tmp_path / "text").write_text("no key")
    encrypted = tmp_path / "encrypted.pem"
    run("openssl", "pkcs8", "-topk8", "-in", pair.private, "-passout", "pass:secret", "-out", encrypted)
    for load, path, words in (
        (load_private_key, tmp_path / "nothing", "--signing-key .*nothing cannot be read: No such file"),
        (load_private_key, tmp_path, "cannot be read: Is a directory"),
        (load_private_key, tmp_path / "text", "is not a private key in PEM form .*openssl genpkey"),
        (load_private_key, pair.public, "is not a private key"),
        (load_private_key, other.private, "is a key of another kind than ed25519"),
        (load_private_key, encrypted, "is encrypted"),
        (load_public_key, tmp_path / "nothing", "--public-key .*nothing cannot be read"),
        (load_public_key, tmp_path / "text", "is not a public key in PEM form"),
        (load_public_key, pair.private, "is not a public key"),
        (load_public_key, other.public, "is a key of another kind than ed25519"),
    ):
        with pytest.raises(InvalidOption, match=words):
            load(path)
