"""The HTML itself: escaped, well built, without anything from elsewhere, and without what is nobody's business."""

import re
from http import HTTPStatus
from urllib.parse import urljoin
from xml.etree import ElementTree as ET

import pytest

from paddle_serving_operator.page.site import Site

from .pages import EVIL, PAGES, REPORT, SERVICE, canary, everywhere, read, secretive, site


@pytest.fixture(scope="module")
def canary_site() -> Site:
    """A canary in its first step."""
    return site(canary())


@pytest.mark.parametrize("path", [SERVICE, f"{SERVICE}/reports/%22'%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E&{{{{7*7}}}}", f"{SERVICE}/changes", "/", f"/services/{EVIL}/{EVIL}", "/?namespace=<script>alert(1)</script>"])  # fmt: skip  # noqa: E501
def test_everything_is_escaped(path: str) -> None:
    body = site(everywhere()).answer(path).body.decode()
    assert "<script>alert" not in body
    assert "\"'>" not in body
    parse(body)


def parse(body: str) -> ET.Element:
    """The page as XML: every element is closed and every attribute is quoted."""
    body = re.sub(r"<(meta|link|br)\b([^>]*)>", r"<\1\2/>", body.replace("<!doctype html>", ""))
    body = re.sub(r" (hidden|defer|selected|reversed|open)(?=[ >/])", r' \1=""', body)
    return ET.fromstring(body)  # noqa: S314 - what this program made itself


@pytest.mark.parametrize("path", PAGES)
def test_the_structure_is_what_a_screen_reader_needs(canary_site: Site, path: str) -> None:
    page = parse(canary_site.answer(path).body.decode())
    assert page.get("lang") == "en"
    ids = [item.get("id") for item in page.iter() if item.get("id")]
    assert len(ids) == len(set(ids))
    for item in page.iter():
        for name in (item.get("aria-labelledby") or "").split():
            assert name in ids
    levels = [int(item.tag[1]) for item in page.iter() if re.fullmatch(r"h[1-6]", item.tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip([0, *levels], levels, strict=False))
    assert [item.tag for item in page.iter() if item.tag in {"header", "main", "footer"}] == [
        "header",
        "main",
        "footer",
    ]
    for table in page.iter("table"):
        assert table.find("caption") is not None
        assert all(head.get("scope") for head in table.iter("th"))
    for picture in page.iter("svg"):
        assert picture.get("role") == "img"
        first, second = list(picture)[:2]
        assert (first.tag, second.tag) == ("title", "desc")
        assert (picture.get("aria-labelledby"), picture.get("aria-describedby")) == (first.get("id"), second.get("id"))
        assert first.text
        assert second.text


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_fetched_from_elsewhere_and_nothing_stands_in_line(canary_site: Site, path: str) -> None:
    page = parse(canary_site.answer(path).body.decode())
    for item in page.iter():
        assert not {name for name in item.attrib if name == "style" or name.startswith("on")}
        for name in ("src", "href", "action"):
            target = item.get(name)
            assert target is None or not re.match(r"[a-z]+:|//|/", target), target
    assert all(item.get("src") and not item.text for item in page.iter("script"))
    assert not list(page.iter("style"))


@pytest.mark.parametrize("path", ["/", SERVICE, f"{SERVICE}/", REPORT, f"{SERVICE}/changes", "/services/shop/ocrr"])
def test_every_link_leads_somewhere_also_below_a_path_of_a_proxy(canary_site: Site, path: str) -> None:
    before = "http://cluster.example/api/proxy"
    targets = [
        urljoin(before + path, item.get("href") or item.get("src") or item.get("action") or "")
        for item in parse(canary_site.answer(path).body.decode()).iter()
        if item.tag in {"a", "link", "script", "form"}
    ]
    assert f"{before}/style.css" in targets
    for target in targets:
        assert target.startswith(f"{before}/")
        found = target.removeprefix(before).partition("#")[0]
        known = HTTPStatus.NOT_FOUND if found == path == "/services/shop/ocrr" else HTTPStatus.OK
        assert canary_site.answer(found).status is known, target


def test_no_secret_is_on_any_page() -> None:
    made = site(secretive())
    for path in ("/", SERVICE, REPORT, f"{SERVICE}/changes", "/nowhere"):
        body = made.answer(path).body.decode()
        assert "hunter2" not in body, re.findall(r".{40}hunter2.{40}", body)
    changes = read(made, f"{SERVICE}/changes")
    assert "pod.env[PASSWORD].value (not shown) becomes (not shown)" in changes
    assert "https://models.example/m.tgz?… is added" in changes
