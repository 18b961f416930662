"""A real browser, which opens pages as files and must not ask for anything else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from genie_cli import api
from genie_cli.manifest import Row
from tests.browsers import chromium
from tests.gallery import made


@dataclass
class Watched:
    """A page, and what it should not have done.

    Attributes:
        errors: what it wrote to the console as an error, and exceptions.
        outside: addresses that it asked for that are no files.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")  # while it is open, an event loop runs, which tests of other modules may not expect
def browser() -> Iterator[Browser]:
    with chromium("the gallery") as browser:
        yield browser


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A new page at 1400 x 900; the test fails if there was an error, or a request to anywhere but files."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, accept_downloads=True)
    seen = Watched(context.new_page())
    seen.page.on("console", lambda said: seen.errors.append(said.text) if said.type == "error" else None)
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    seen.page.on("request", lambda asked: seen.outside.append(asked.url) if not _is_own(asked.url) else None)
    yield seen
    context.close()
    assert (seen.errors, seen.outside) == ([], [])


def _is_own(address: str) -> bool:
    return address.startswith(("file:", "data:", "blob:"))


@dataclass(frozen=True)
class Shown:
    """A gallery, and the rows that it shows."""

    root: Path
    rows: list[Row]

    @property
    def address(self) -> str:
        return (self.root / "gallery/index.html").as_uri()


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """A gallery of a run with everything that can happen, beside ``photos`` and ``made``; only to be read."""
    root = tmp_path_factory.mktemp("a folder #1 100%")
    rows = made.run(root / "made", made.photos(root / "photos"))
    api.gallery(root / "made", out=root / "gallery")
    return Shown(root, rows)


# Whatever a page might ask the network, or other files, with; and a storage and clipboard that may be forbidden.
_FORBIDDEN = """
const forbidden = (name) => function () { throw new Error(`${name} is forbidden`); };
for (const name of ["fetch", "XMLHttpRequest", "WebSocket", "EventSource", "Worker"]) window[name] = forbidden(name);
navigator.sendBeacon = forbidden("sendBeacon");
"""


@pytest.fixture
def page(watched: Watched, shown: Shown) -> Page:
    """The gallery's page, open, in a browser that forbids all that asks for anything."""
    watched.page.add_init_script(_FORBIDDEN)
    watched.page.goto(shown.address)
    watched.page.wait_for_selector(".tile")
    return watched.page


def address(page: Page) -> str:
    """What the page itself has as its address; the driver's own record of it comes later."""
    found: str = page.evaluate("location.href")
    return found


def ids(page: Page) -> list[str]:
    """The ids of all rows that are shown, in or out of view."""
    found: list[str] = page.evaluate("Array.from(genie.viewport.view.order, genie.id)")
    return found


def tiles(page: Page) -> list[str]:
    """The ids of the tiles that are in the document."""
    found: list[str] = page.evaluate("[...document.querySelectorAll('.tile[data-id]')].map((tile) => tile.dataset.id)")
    return found


def wait_until(page: Page, expression: str) -> None:
    """Wait until an expression is true; Playwright's own way to wait needs what the page's policy forbids."""
    for _ in range(500):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(10)
    raise AssertionError(expression)
