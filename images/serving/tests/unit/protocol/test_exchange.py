import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddle_serving_runtime.protocol import BadRequest
from paddle_serving_runtime.protocol.exchange import KEPT_HEADERS, Exchange, kept_headers

HEADERS = st.dictionaries(
    st.sampled_from(sorted(KEPT_HEADERS)), st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
)
PATHS = st.text(st.characters(codec="utf-8"), max_size=20).map(lambda text: f"/{text}")
EXCHANGE = st.builds(Exchange, PATHS, HEADERS, st.binary(), HEADERS, st.binary())
LINE = json.loads(Exchange("/svc/p", {"content-type": "a"}, b"{}", {}, b"x").to_line())


@given(EXCHANGE)
def test_an_exchange_survives_both_forms(exchange: Exchange) -> None:
    assert Exchange.unpack(b"".join(exchange.pack())) == exchange
    line = exchange.to_line()
    assert line.count(b"\n") == 1
    assert Exchange.from_line(line) == exchange


def test_no_header_is_kept_but_those_that_say_how_to_read_the_body() -> None:
    headers = {b"authorization": b"Bearer x", b"cookie": b"y", b"content-type": b"application/json", b"host": b"h"}
    assert kept_headers(headers) == {"content-type": "application/json"}


@pytest.mark.parametrize(
    "change",
    [
        {"path": "svc"},
        {"path": None},
        {"headers": {"authorization": "x"}},
        {"headers": {"content-type": "a\r\nhost: b"}},
        {"answerHeaders": {"content-type": 3}},
        {"headers": []},
        {"body": "not base64!"},
        {"body": "\u00e9"},
        {"answer": None},
        {"more": 1},
    ],
)
def test_another_pods_line_that_is_none_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match="a line"):
        Exchange.from_line(json.dumps({**LINE, **change}).encode())


@pytest.mark.parametrize("line", [b"", b"[]", b"{}", b"{", b"\xff", b"null"])
def test_what_is_no_object_is_refused(line: bytes) -> None:
    with pytest.raises(BadRequest, match="a line"):
        Exchange.from_line(line)
