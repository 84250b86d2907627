"""Chromium, and the page of an operator that it looks at."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement

from paddle_serving_operator.page.answers import Answer
from paddle_serving_operator.page.server import Server, serve
from paddle_serving_operator.page.site import Site

from .pages import NOW, Known

SECONDS = 60.0
FLAGS = ("--headless=new", "--no-proxy-server", "--disable-background-networking", "--disable-dev-shm-usage")


def program(name: str) -> str:
    """Debian's, which `make browser` installs."""
    found = shutil.which(name)
    assert found, f"{name} is missing. Run: make browser"
    return found


@contextmanager
def chromium(profile: Path) -> Iterator[webdriver.Chrome]:
    """One without a window, whose profile is in an empty folder."""
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    sandbox = () if os.geteuid() else ("--no-sandbox",)  # Chromium has none for root
    for flag in (*FLAGS, *sandbox, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    with mock.patch.dict(os.environ, {"NO_PROXY": "127.0.0.1,localhost"}):
        driver = webdriver.Chrome(options=options, service=Service(program("chromedriver")))
        driver.set_page_load_timeout(SECONDS)
        try:
            yield driver
        finally:
            driver.quit()


class Browser:
    """A page of the operator in Chromium. Tests change what is `known`."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self._began = time.monotonic()
        self.know(Known())
        self.server = self._serve(0)
        self.port = self.server.server_port

    def know(self, known: Known) -> None:
        """Begins anew with what is known, and forgets what the browser has said."""
        self.known = known
        self._time_stands = False
        self._site = Site(known, self._now)
        self.driver.get("about:blank")
        self.complaints()

    def stop_time(self) -> None:
        """Until `know` nothing on the page changes: a test that reads it part by part reads one page."""
        self._time_stands = True

    def _serve(self, port: int) -> Server:
        return serve("127.0.0.1", port, self._answer)

    def _answer(self, target: str, known: str) -> Answer:
        return self._site.answer(target, known)

    def _now(self) -> datetime:
        """It goes on: a page that is a second old is made anew."""
        return NOW if self._time_stands else NOW + timedelta(seconds=time.monotonic() - self._began)

    def open(self, path: str, width: int = 1200) -> None:
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(f"http://127.0.0.1:{self.port}{path}")

    def run(self, script: str, *arguments: object) -> object:
        found: object = self.driver.execute_script(script, *arguments)
        return found

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element("css selector", selector)

    def every(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements("css selector", selector)

    def text(self) -> str:
        return str(self.run("return document.body.innerText"))

    def until(self, what: str, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"not within {SECONDS:g} s: {what}; there is:\n{self.text()}"
            time.sleep(0.1)

    def complaints(self) -> list[str]:
        """What the browser has said since the last look: errors of scripts, violations of the policy, lost requests."""
        entries = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [str(entry["message"]) for entry in entries]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def start(self) -> None:
        self.server = self._serve(self.port)
