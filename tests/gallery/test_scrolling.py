"""However long the list is, few tiles are in the page, and only the thumbnails in view are loaded."""

from __future__ import annotations

import pytest

from genie_cli import api
from tests.export import runs
from tests.gallery import made
from tests.gallery.conftest import Watched, ids, tiles

MOST = 150


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A gallery of a thousand rows, but few images."""
    root = tmp_path_factory.mktemp("long")
    photos = made.photos(root / "photos")
    ratios = [number / 100 for number in range(10, 100, 6)]
    jobs = made.jobs(photos, [f"class {number}" for number in range(8)], ratios)
    rows = [runs.made(root / "made", job) for job in jobs]
    runs.write(root / "made", rows, photos)
    return api.gallery(root / "made", out=root / "gallery").address


@pytest.mark.parametrize("view", ["images", "sweeps"])
@pytest.mark.parametrize("size", [(1400, 900), (3200, 2400)])
def test_scrolling_through_everything(view: str, size: tuple[int, int], long: str, watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    sheets: set[str] = set()
    page.on("request", lambda asked: sheets.add(asked.url) if "/sheets/" in asked.url else None)
    page.goto(f"{long}#view={view}")
    page.wait_for_selector(".tile")
    page.wait_for_timeout(100)
    total = page.evaluate("genie.all.pictures.names.length + genie.all.photos.names.length")
    in_view = page.evaluate(
        "new Set([...document.querySelectorAll('.thumb')].map((t) => t.style.backgroundImage)).size"
    )
    assert len(sheets) == in_view < total / 2
    found = page.evaluate(
        """async () => {
            const seen = new Set();
            let most = 0;
            for (let top = 0; top <= document.documentElement.scrollHeight; top += 0.9 * innerHeight) {
                scrollTo(0, top);
                await new Promise(requestAnimationFrame);
                await new Promise(requestAnimationFrame);
                const tiles = document.querySelectorAll('.tile');
                most = Math.max(most, tiles.length);
                for (const tile of tiles) if (tile.dataset.id) seen.add(tile.dataset.id);
            }
            return { most, seen: [...seen] };
        }"""
    )
    assert found["most"] <= MOST
    assert sorted(found["seen"]) == sorted(ids(page))
    page.wait_for_timeout(100)
    assert len(sheets) <= total


def test_the_last_line_can_be_reached_and_fits(long: str, watched: Watched) -> None:
    page = watched.page
    page.goto(long)
    page.wait_for_selector(".tile")
    page.locator(".tile .open").first.focus()
    page.keyboard.press("End")
    assert tiles(page)[-1] == ids(page)[-1]
    box = page.locator(f".tile[data-id='{ids(page)[-1]}']").bounding_box()
    assert box
    assert box["y"] + box["height"] <= 900
