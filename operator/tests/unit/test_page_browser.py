"""The page in Chromium: what only a browser can say about it."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from paddle_serving_operator.view.overview import Objects

from .browser import Browser, chromium
from .pages import EVIL, REPORT, SERVICE, Known, beside, canary, everywhere, full_report, healthy
from .things import NEW, OLD, record, shifting, track

PAGES = ("/", SERVICE, REPORT, f"{SERVICE}/changes", "/services/shop/ocrr")
TOO_WIDE = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
OUTSIDE = """
return [...document.querySelectorAll('main *')]
  .filter((part) => !part.closest('.scroll, .unseen') && part.getBoundingClientRect().right > innerWidth + 1)
  .map((part) => part.outerHTML.slice(0, 80))
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One for all tests: it takes seconds to start."""
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        made = Browser(driver)
        yield made
        made.stop()


@pytest.fixture
def browser(opened: Browser) -> Browser:
    """On a canary in its first step, beside other services."""
    serving = track(OLD, "a", 2, 100)
    known = Known(beside("seg", "shop", phase="Healthy", observedGeneration=2, stable=serving), beside("new", "vision"))
    known.put(canary())
    opened.know(known)
    return opened


@pytest.fixture
def shots() -> Path | None:
    """Where pictures of the pages go: the folder PAGE_SHOTS, for people who want to see them."""
    folder = os.environ.get("PAGE_SHOTS")
    return Path(folder) if folder else None


def save(browser: Browser, folder: Path, name: str) -> None:
    """A picture of the whole page."""
    whole = {"format": "png", "captureBeyondViewport": True}
    found = browser.driver.execute_cdp_cmd("Page.captureScreenshot", whole)
    (folder / f"{name}.png").write_bytes(base64.b64decode(found["data"]))


@pytest.mark.parametrize("width", [400, 1200])
def test_no_page_is_wider_than_its_window_and_the_browser_has_nothing_to_say(
    browser: Browser, width: int, shots: Path | None
) -> None:
    long = canary()
    long.service["status"]["conditions"][0]["message"] = "sha256:" + "f" * 200
    browser.known.put(long)
    for path in PAGES:
        browser.open(path, width)
        assert browser.run(TOO_WIDE) == 0, path
        assert browser.run(OUTSIDE) == [], path
        if shots:
            save(browser, shots, f"{path.strip('/').replace('/', '-') or 'list'}-{width}")
    gone = [line for line in browser.complaints() if "/ocrr" not in line]  # the one that is not there is a 404
    assert gone == []


RECORDED = "Paddle Inference against the recorded answers"
RECORDED_SAYS = (
    "4 of 6 tensors of 3 samples differ, 2 by more than may be. The farthest is tensor text of sample chinese.json: "
    "differs, nothing to subtract, more than may be."
)
DRIFT = "This revision against the one that serves"
DRIFT_SAYS = "2 of 2 tensors of 1 sample differ. The farthest is tensor score of sample hello.json: 2."


def described(browser: Browser, part: WebElement) -> str:
    """What a screen reader says after the name."""
    script = "return document.getElementById(arguments[0].getAttribute('aria-describedby')).textContent.trim()"
    return str(browser.run(script, part))


def test_a_screen_reader_finds_landmarks_headings_and_the_names_of_pictures(browser: Browser) -> None:
    browser.stop_time()
    browser.open(SERVICE)
    landmarks = {name: [part.aria_role for part in browser.every(name)] for name in ("header", "nav", "main", "footer")}
    assert landmarks == {"header": ["banner"], "nav": ["navigation"], "main": ["main"], "footer": ["contentinfo"]}
    headings = [part.accessible_name for part in browser.every("h1, h2")]
    assert headings == ["ocr Progressing", "Rollout", "Traffic", "Conditions", "Events", "Proof", "History"]
    pictures = {part.accessible_name: described(browser, part) for part in browser.every("svg")}
    assert {part.aria_role for part in browser.every("svg")} == {"image"}
    assert pictures == {
        "Shares of the traffic": f"stable revision {OLD} has 80 percent. canary revision {NEW} has 20 percent.",
        f"Heat map: {RECORDED}": RECORDED_SAYS,
        f"Heat map: {DRIFT}": DRIFT_SAYS,
    }
    tables = ["Revisions that have pods", "Pods", "All that the cluster still keeps"]
    assert [part.accessible_name for part in browser.every("table")] == tables
    assert {part.aria_role for part in browser.every("thead th")} == {"columnheader"}
    assert {part.aria_role for part in browser.every("tbody th")} == {"rowheader"}


def test_the_heat_map_is_drawn_inside_its_picture_in_the_colours_of_its_cells(browser: Browser) -> None:
    browser.stop_time()
    browser.open(SERVICE, 400)
    colours = {}
    frame = browser.one("#heat-recorded").rect
    for cell in browser.every("#heat-recorded g"):
        box, label = cell.find_element(By.TAG_NAME, "rect"), cell.find_element(By.TAG_NAME, "text")
        inner, outer = label.rect, box.rect
        assert frame["x"] <= outer["x"], label.text
        assert outer["x"] + outer["width"] <= frame["x"] + frame["width"]
        assert outer["x"] <= inner["x"], label.text
        assert inner["x"] + inner["width"] <= outer["x"] + outer["width"], f"{label.text} does not fit into its cell"
        colours[label.text] = box.value_of_css_property("fill")
    assert set(colours) == {"0", "1e-7", "3e-3", "✘ 0.49", "✘ ≠"}
    assert len(set(colours.values())) == len(colours)


def test_a_rollout_is_seen_as_it_happens_without_a_reload(browser: Browser) -> None:
    browser.open(SERVICE)
    browser.run("window.unloaded = false; window.addEventListener('pagehide', () => { window.unloaded = true })")
    browser.one("#changes-3 summary").click()
    browser.one("#history a[href$='/changes']").send_keys("")  # focus
    later = canary()
    browser.known.put(Objects(shifting(step=1), later.revisions, later.reports, later.pods))
    browser.until("the second step", lambda: "step 2 of 2: 50% (now, pause until resume" in browser.text())
    assert "▶ Progressing 2/2"[2:13] in browser.driver.title
    assert "canary 2222222222 50%" in str(browser.one("#state").get_property("textContent"))
    assert browser.one("#state").aria_role == "status"
    assert browser.one("#changes-3").get_attribute("open") is not None
    assert str(browser.run("return document.activeElement.textContent")) == "Compare two revisions"
    revisions = (*later.revisions, record(4, "3333333333", "c", {"runtime": "gpu"}))
    browser.known.put(Objects(healthy(), revisions, (full_report(),), ()))
    browser.until("it is healthy", lambda: "Nothing is being rolled out." in browser.text())
    assert browser.driver.title.startswith("ocr: Healthy")
    assert browser.one("#changes-3").get_attribute("open") is not None
    del browser.known.things["shop", "ocr"]
    browser.until("it is deleted", lambda: "There is no PaddleService ocr in namespace shop." in browser.text())
    assert browser.run("return window.unloaded") is False
    assert [line for line in browser.complaints() if "404" not in line] == []


def test_an_operator_that_is_gone_is_told_and_so_that_it_is_back(browser: Browser) -> None:
    browser.open("/")
    browser.stop()
    browser.until("the operator is gone", lambda: "The operator does not answer." in browser.text())
    assert browser.one("#lost").aria_role == "alert"
    assert "shop" in browser.text()
    browser.start()
    browser.until("it is back", lambda: "The operator does not answer." not in browser.text())


def test_what_somebody_writes_into_a_status_is_text_and_runs_nowhere(browser: Browser) -> None:
    browser.known.put(everywhere())
    browser.open(SERVICE)
    assert EVIL in browser.text()
    browser.known.put(canary())
    browser.until("an update", lambda: "Revision 3" in browser.text())
    browser.known.put(everywhere())
    browser.until("another one", lambda: EVIL in browser.text())
    assert browser.run("return [...document.scripts].map((part) => part.src.split('/').pop())") == ["live.js"]
    assert browser.complaints() == []


def test_the_policy_stops_a_script_that_got_in_all_the_same(browser: Browser) -> None:
    browser.open(SERVICE)
    browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.pwned = 1\">')")
    made = "const script = document.createElement('script'); script.textContent = 'window.pwned = 2'"
    browser.run(f"{made}; document.body.append(script)")
    said: list[str] = []

    def stopped() -> bool:
        said.extend(browser.complaints())
        return sum("Content Security Policy" in line for line in said) >= 2

    browser.until("both are stopped", stopped)
    assert browser.run("return window.pwned") is None


def test_two_revisions_are_chosen_and_compared(browser: Browser) -> None:
    browser.open(f"{SERVICE}/changes", 400)
    Select(browser.one("#from")).select_by_value("3")
    Select(browser.one("#to")).select_by_value("2")
    browser.one("button").click()
    browser.until("the comparison", lambda: f"From 3 ({NEW}) to 2 ({OLD})" in browser.text())
    assert "becomes" in browser.text()
    assert browser.one("#from").accessible_name == "From"
    assert browser.complaints() == []


def test_the_page_is_whole_without_scripts(browser: Browser) -> None:
    browser.open(SERVICE)
    with_scripts = browser.text()
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.open(SERVICE)
        found = browser.one("body").text
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert len(found.split()) >= 0.95 * len(with_scripts.split())
    assert "Paddle Inference against the recorded answers" in found


def test_keys_alone_lead_to_the_content_and_to_every_wide_table(browser: Browser) -> None:
    browser.stop_time()
    browser.open(SERVICE, 400)
    body = browser.one("body")
    body.send_keys(Keys.TAB)
    assert str(browser.run("return document.activeElement.textContent")) == "Skip to content"
    reached = set()
    for _ in range(40):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.add(str(browser.run("return document.activeElement.getAttribute('aria-labelledby')")))
    assert {"tracks-caption", "pods-caption", "heat-recorded-title"} <= reached


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_the_colours_are_those_that_the_person_prefers(browser: Browser, scheme: str, *, dark: bool) -> None:
    features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
    browser.open(SERVICE)
    paper = browser.run("return getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert isinstance(paper, list)
    assert (sum(paper) < 200) is dark
