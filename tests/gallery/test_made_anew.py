"""A page that is open while its gallery is made anew, or taken away."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page

from genie_cli import api
from tests.export import runs
from tests.gallery import made
from tests.gallery.conftest import Watched, ids


@pytest.fixture
def open_page(watched: Watched, tmp_path: Path) -> Page:
    """The page of a gallery of two rows, which was made anew with one row more before them."""
    photos = made.photos(tmp_path / "photos")
    rows = [runs.made(tmp_path / "made", job) for job in made.jobs(photos, ["fox"], [0.5])][:3]
    runs.write(tmp_path / "made", rows[1:], photos)
    address = api.gallery(tmp_path / "made", out=tmp_path / "gallery").address
    watched.page.goto(address)
    watched.page.wait_for_selector(".tile")
    runs.write(tmp_path / "made", rows, photos)
    api.gallery(tmp_path / "made", out=tmp_path / "gallery")
    return watched.page


def downloading(page: Page) -> str:
    """What the page says instead of a download."""
    said = []

    def heard(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.accept()

    page.on("dialog", heard)
    page.locator(".tile .choose input").first.check()
    page.click("#download")
    page.wait_for_timeout(300)
    return "".join(said)


def test_it_never_takes_rows_of_the_new_gallery_for_its_own(open_page: Page) -> None:
    assert "reload the page" in downloading(open_page)
    open_page.locator(".tile .open").first.click()
    open_page.wait_for_selector("#detail .notice:has-text('reload the page')")
    open_page.reload()
    assert len(ids(open_page)) == 3


def test_a_gallery_that_is_gone_is_said(open_page: Page, watched: Watched, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "gallery")
    assert "lines-0000.js cannot be loaded" in downloading(open_page)
    assert [error for error in watched.errors if "ERR_FILE_NOT_FOUND" not in error] == []
    watched.errors.clear()


def test_of_files_that_are_gone_the_thumbnails_are_shown(open_page: Page, watched: Watched, tmp_path: Path) -> None:
    open_page.reload()
    shutil.rmtree(tmp_path / "made")
    shutil.rmtree(tmp_path / "photos")
    open_page.locator(".tile .open").last.click()
    open_page.wait_for_selector("#detail .both figcaption:has-text('result: a thumbnail')")
    open_page.wait_for_selector("#detail .both figcaption:has-text('source: a thumbnail')")
    assert open_page.locator("#detail .both .thumb").count() == 2
    assert [error for error in watched.errors if "ERR_FILE_NOT_FOUND" not in error] == []
    watched.errors.clear()
