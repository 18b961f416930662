"""The page in a browser that forbids all requests: what is shown first, opened by links, and drawn while scrolling."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from genie_cli import api
from genie_cli.confuse.confusion import Confusion
from genie_cli.gallery import script
from genie_cli.manifest import Status
from tests.conftest import Genie
from tests.export import runs
from tests.gallery import made
from tests.gallery.conftest import Shown, Watched, address, ids, tiles, wait_until
from tests.manifests import a_row

MOST = 150
BOTH_ARE_SEEN = """
[...document.querySelectorAll(".tile .classes bdi")].every((name) => name.clientWidth > 80 &&
  name.getBoundingClientRect().right < name.closest(".tile").getBoundingClientRect().right)
"""


def test_the_first_tiles_are_those_of_the_manifest(page: Page, shown: Shown) -> None:
    assert page.text_content("h1") == "made/manifest.jsonl"
    counts = [sum(row.status is status for row in shown.rows) for status in Status]
    assert page.text_content(".title p") == f"{counts[0]} images, {counts[1]} failed, {counts[2]} skipped"
    assert ids(page) == [row.job.id for row in shown.rows]
    drawn = tiles(page)
    assert len(drawn) >= 12
    assert drawn == ids(page)[: len(drawn)]
    assert page.text_content("#count") == f"{len(shown.rows)} jobs"


def test_a_tile_says_what_its_row_does(page: Page, shown: Shown) -> None:
    for row in shown.rows[:12]:
        tile = page.locator(f".tile[data-id='{row.job.id}']")
        text = tile.inner_text()
        assert row.job.target.replace("\u2028", "") in text.replace("\u2028", "").replace("\n", "")
        assert f"r {row.job.r:g}" in text
        assert tile.get_attribute("aria-setsize") == str(len(shown.rows))
        label = tile.locator("button").get_attribute("aria-label") or ""
        assert label.startswith(row.job.target)
        if row.status is Status.MADE:
            assert tile.locator(".pair > :last-child .thumb").count() == 1
            assert (row.judgement.verdict if row.judgement else "not judged") in label
        else:
            assert row.reason in text
            assert row.status.value in text
            assert tile.locator("input").is_disabled()


def test_of_two_long_names_something_of_both_is_seen(watched: Watched, tmp_path: Path) -> None:
    source, target = "a photograph of a northern spotted owl", "a drawing of a lesser long-eared bat in a cave"
    runs.photo(tmp_path / "photos" / source / "1.jpg", 1)
    jobs = made.jobs(tmp_path / "photos", [target], [0.8])
    runs.write(tmp_path / "made", [runs.made(tmp_path / "made", job) for job in jobs], tmp_path / "photos")
    watched.page.goto(api.gallery(tmp_path / "made", out=tmp_path / "gallery").address)
    watched.page.wait_for_selector(".tile .classes")
    tile = watched.page.locator(".tile", has_text=source)
    assert tile.locator(".classes bdi").all_text_contents() == [source, target]
    for width in (360, 1400):
        watched.page.set_viewport_size({"width": width, "height": 900})
        wait_until(watched.page, f"innerWidth === {width} && {BOTH_ARE_SEEN}")


def test_names_are_never_markup(watched: Watched, shown: Shown) -> None:
    page = watched.page
    page.on("dialog", lambda dialog: watched.errors.append(dialog.message))
    for view in ("images", "sweeps"):
        for target in made.HOSTILE:
            page.goto(f"{shown.address}#view={view}")
            page.wait_for_selector(".tile")
            page.locator("#filters label.field", has_text="Target class").locator("select").select_option(f"={target}")
            wanted = [row.job.id for row in shown.rows if row.job.target == target]
            assert sorted(ids(page)) == sorted(wanted)
            names = page.eval_on_selector_all(".line bdi", "all => all.map((name) => name.textContent)")
            assert target in names
            page.locator(".tile .open").first.click()
            page.wait_for_selector(".dialog-body")
            shown_names = page.eval_on_selector_all("dialog bdi", "all => all.map((name) => name.textContent)")
            assert target in shown_names
            assert page.evaluate("document.querySelectorAll('[onerror], img[src=x], script:not([src]), b').length") == 0
            page.keyboard.press("Escape")
    assert page.title() == "made/manifest.jsonl · genie gallery"


def test_no_script_makes_markup_of_text() -> None:
    static = Path(script.__file__).parent / "static"
    for path in static.glob("*.js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", path.read_text()), path


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("<>'\"\\/\u2028\u2029\0\r\n"))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXTS.filter(lambda name: name != "__proto__"), inner),
)


_RUN = "(code) => { let seen; Function('take', code)((value) => { seen = value; }); return seen; }"


def test_values_come_into_the_page_as_they_are(browser: Browser) -> None:
    page = browser.new_page()

    @settings(max_examples=60)
    @given(_VALUES)
    def check(value: object) -> None:
        code = script.call("take", value).decode("ascii")
        assert "<" not in code
        assert code.count("\n") == 1
        assert (
            page.evaluate("(code) => { let seen; Function('take', code)((v) => { seen = v; }); return seen; }", code)
            == value
        )

    check()
    page.close()


def test_a_link_opens_an_image_and_back_leads_back(page: Page, shown: Shown) -> None:
    row = next(row for row in shown.rows[40:] if row.status is Status.MADE and row.job.source)
    page.goto("about:blank")
    page.goto(f"{shown.address}#sort=-confidence&image={row.job.id}")
    page.wait_for_selector(".dialog-body")
    text = page.inner_text("dialog .all")
    assert row.job.id in text
    assert row.file in text
    assert [page.evaluate("(i) => i.naturalWidth", image) for image in page.query_selector_all("dialog img")] == [
        90,
        48,
    ]
    page.keyboard.press("Escape")
    assert not page.is_visible("dialog")
    assert address(page) == f"{shown.address}#sort=-confidence"
    other = tiles(page)[len(tiles(page)) // 2]
    page.click(f".tile[data-id='{other}'] .open")
    assert address(page).endswith(f"&image={other}")
    page.go_back()
    assert not page.is_visible("dialog")
    page.go_forward()
    page.wait_for_selector(".dialog-body")
    page.get_by_role("button", name="Close").click()
    page.wait_for_selector("dialog", state="hidden")
    assert address(page) == f"{shown.address}#sort=-confidence"


def test_unknown_links_show_the_list(page: Page, shown: Shown) -> None:
    for fragment in (
        "image=0000",
        "image=" + "0" * 20,
        "sort=nonsense&view=%00",
        "confidence=x-y",
        "%%%&&=",
        "target=no",
    ):
        page.goto(f"{shown.address}#{fragment}")
        assert len(ids(page)) == (0 if "target" in fragment else len(shown.rows)), fragment
    assert page.is_visible("#nothing")
    page.click("#clear-filters")
    assert len(ids(page)) == len(shown.rows)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_narrow_screens_and_themes(theme: Literal["light", "dark"], browser: Browser, shown: Shown) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 640}, color_scheme=theme)
    page = context.new_page()
    page.goto(f"{shown.address}")
    page.wait_for_selector(".tile")
    papers = {page.evaluate("getComputedStyle(document.body).backgroundColor")}
    for fragment in ("", "view=sweeps", f"image={shown.rows[0].job.id}", f"target={'x' * 300}&q={'y' * 300}"):
        page.goto(f"{shown.address}#{fragment}")
        page.evaluate("document.querySelector('#filters').open = true")
        assert page.evaluate("document.documentElement.scrollWidth") == 360, fragment
    page.goto(shown.address)
    for name in ("light", "dark", "auto"):
        page.click("#theme")
        assert page.text_content("#theme") == f"Theme: {name}"
        papers.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(papers) == 2
    context.close()


def test_figures_have_a_tab_and_open_images(watched: Watched, genie: Genie, photos: Path, tmp_path: Path) -> None:
    genie("generate", "--src-dir", photos, "--targets", "two", "--r", "0.5,0.8", "--out", "made")
    genie("oracle", "made", "--out", "judged.jsonl")
    Confusion(labels=("one", "two"), matrix=((3, 1), (0, 2))).write(tmp_path / "confusion.json", top_k=1)
    result = genie("gallery", "judged.jsonl", "--confusion", "confusion.json")
    assert (tmp_path / "gallery/index.html").as_uri() in result.stderr
    page = watched.page
    page.goto((tmp_path / "gallery/index.html").as_uri() + "#view=figures")
    page.wait_for_selector("#figures .figure .plot")
    headings = page.locator("#figures h2").all_inner_texts()
    assert [heading.split(",")[0].split(":")[0] for heading in headings] == [
        "Labels and verdicts over r",
        "Confusion matrix",
        "Map of the images",
        "From source to target",
        "Densities of the probabilities",
    ]
    page.locator("[data-figure=trajectories] svg").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("#detail[open] .dialog-body")
    page.keyboard.press("Escape")
    assert page.is_visible("#figures h2 >> nth=0")
    page.click("nav [data-view=images]")
    assert page.is_hidden("#figures")


def test_without_figures_there_is_no_tab(watched: Watched, tmp_path: Path) -> None:
    """Nothing was made or judged, so there is nothing to draw."""
    path = runs.write(tmp_path, [a_row(status=Status.FAILED, reason="is truncated")], None)
    api.gallery(path, out=tmp_path / "gallery")
    watched.page.goto((tmp_path / "gallery/index.html").as_uri() + "#view=figures")
    watched.page.wait_for_selector(".tile")
    assert watched.page.is_hidden("nav [data-view=figures]")
    assert watched.page.is_hidden("#figures")


def test_colors_are_readable() -> None:
    """Contrast of text with what is behind it, by WCAG 2.2, AA: 4.5 to 1."""
    css = (Path(script.__file__).parent / "static/gallery.css").read_text()
    themes = [
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block)) for block in re.findall(r"\{([^{}]*--paper: [^{}]*)\}", css)
    ]
    assert [set(theme) for theme in themes] == [set(themes[0])] * 3
    assert themes[1] == themes[2]
    for theme in themes:
        for text in ("ink", "muted", "accent", "good", "bad", "warn"):
            for behind in ("paper", "raised"):
                low, high = sorted((luminance(theme[text]), luminance(theme[behind])))
                assert (high + 0.05) / (low + 0.05) >= 4.5, (text, behind)


def luminance(color: str) -> float:
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
