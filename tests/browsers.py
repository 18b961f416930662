"""Chromium, for tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium(what: str) -> Iterator[Browser]:
    """The machine's Chromium; without one the test is skipped, and fails in continuous integration.

    Args:
        what: is tested with it.
    """
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        assert "CI" not in os.environ, f"the tests of {what} need Chromium"
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as driver:
        # As root, in containers, Chromium's sandbox cannot be set up; the pages are our own.
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield browser
        browser.close()
