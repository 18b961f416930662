"""The site is built without a warning, fits a telephone, asks for nothing from outside, and finds words."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browsers import chromium
from tests.docs.blocks import DOCS, ROOT

NARROW = 360  # pixels


def build(source: Path, to: Path) -> subprocess.CompletedProcess[str]:
    """As `./check` does; what has not changed is not made again."""
    words = ["-W", "--keep-going", "-q", "-c", str(source / "docs"), str(source), str(to)]
    return subprocess.run([sys.executable, "-m", "sphinx", *words], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site() -> Path:
    done = build(ROOT, ROOT / "build/site")
    assert done.returncode == 0, done.stderr
    return ROOT / "build/site"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium("the site") as browser:
        yield browser


@pytest.fixture
def telephone(browser: Browser) -> Iterator[Page]:
    """A narrow page that may ask for files only."""
    context = browser.new_context(viewport={"width": NARROW, "height": 740})
    page, outside = context.new_page(), list[str]()
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else outside.append(asked.url))
    yield page
    context.close()
    assert outside == []


def test_no_page_is_wider_than_a_telephone(site: Path, telephone: Page) -> None:
    pages = [page for page in site.rglob("*.html") if "_static" not in page.parts and page != site / "index.html"]
    assert len(pages) > 30
    wide = {}
    for page in pages:
        telephone.goto(page.as_uri())
        width = telephone.evaluate("document.scrollingElement.scrollWidth")
        if width > NARROW:
            wide[page.name] = width
    assert wide == {}


def test_the_first_page_leads_to_the_documentation(site: Path, telephone: Page) -> None:
    telephone.goto((site / "index.html").as_uri())
    telephone.wait_for_url("**/docs/index.html")
    telephone.get_by_role("link", name="A rare class of your own").last.click()
    telephone.wait_for_url("**/docs/tutorial.html")


@pytest.mark.parametrize(
    ("words", "page"), [("hard negative", "Concepts"), ("genie export", "The command line"), ("api.judge", "Functions")]
)
def test_search_finds(words: str, page: str, site: Path, telephone: Page) -> None:
    """Without a server: the index is a script."""
    telephone.goto(f"{(site / 'search.html').as_uri()}?q={words}")
    telephone.locator("#search-results li").get_by_text(page, exact=True).first.wait_for(timeout=20_000)


def test_every_function_of_the_interface_is_there(site: Path) -> None:
    from genie_cli import api

    page = (site / "docs/api/functions.html").read_text(encoding="utf-8")
    own = [name for name, thing in vars(api).items() if getattr(thing, "__module__", "") == api.__name__]
    public = [name for name in own if not name.startswith("_")]
    assert len(public) > 10
    assert [name for name in public if f'id="genie_cli.api.{name}"' not in page] == []


def test_broken_links_end_the_build(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    shutil.copytree(DOCS / "_static", docs / "_static")
    shutil.copy(DOCS / "conf.py", docs)
    (docs / "concepts.md").write_text("# Concepts\n\n## A heading\n", encoding="utf-8")
    page = "# Home\n\n## Reference\n\n- [Concepts](concepts.md)\n\n[a heading](concepts.md#a-heading)\n"
    (docs / "index.md").write_text(page, encoding="utf-8")
    whole = build(tmp_path, tmp_path / "site")
    assert whole.returncode == 0, whole.stderr
    wrong = ("[no page](gone.md)", "[no heading](concepts.md#no-heading)", "![no picture](gone.png)")
    (docs / "index.md").write_text("\n\n".join([page, *wrong]), encoding="utf-8")
    broken = build(tmp_path, tmp_path / "site")
    assert broken.returncode != 0
    for what in ("gone.md", "no-heading", "gone.png"):
        assert what in broken.stderr
