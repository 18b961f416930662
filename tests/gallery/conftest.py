"""A real browser, which opens pages as files and must not ask for anything else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")


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
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        assert "CI" not in os.environ, "the tests of the gallery need Chromium"
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as driver:
        # As root, in containers, Chromium's sandbox cannot be set up; the pages are our own.
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield browser
        browser.close()


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
