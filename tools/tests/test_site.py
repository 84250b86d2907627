"""The site of the documents: `make docs` builds it, and a browser needs nothing but its files."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LOADED = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=["'](?:https?:)?//[^"']+""")


def build(source: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Runs what `make docs` runs."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", str(ROOT / "docs/site")]
    return subprocess.run([*command, str(source), str(site)], capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site."""
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_document_is_a_page_and_every_link_leads_somewhere(site: Path) -> None:
    documents = [path.relative_to(ROOT) for path in (ROOT / "docs").glob("*.md")]
    assert [document for document in documents if not (site / document.with_suffix(".html")).exists()] == []


def test_it_begins_with_the_readme(site: Path) -> None:
    (target,) = re.findall(r"url=([^\"]+)", (site / "index.html").read_text())
    assert "Paddle Serving on Kubernetes" in (site / target).read_text()


def test_a_browser_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = {path.relative_to(site): LOADED.findall(path.read_text()) for path in site.rglob("*.html")}
    assert {page: loaded for page, loaded in pages.items() if loaded} == {}
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import\s+)[\"']?(?:https?:)?//", styles) == []


def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "site" / "contents.md"
    page.parent.mkdir(parents=True)
    page.write_text("# Contents\n\n[gone](../gone.md)\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    assert "gone.md" in done.stderr
